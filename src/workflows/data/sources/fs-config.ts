/** `--fs-config KEY=VALUE…`: options for a place that no remote names. */
import { ExpverError } from "../../../errors.ts";
import type { Input } from "../../contract.ts";
import { wordsOf } from "../../input.ts";

/** Throws E_USAGE. */
export function fsConfigOf({ fsConfig }: Input): Map<string, string> {
  if (fsConfig === undefined || fsConfig === true || fsConfig === false) return new Map();
  return new Map(
    wordsOf(fsConfig).map((word) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      throw new ExpverError("E_USAGE", `--fs-config has ${JSON.stringify(word)}; expected KEY=VALUE`, { details: { dialect: "dvc" } });
    }),
  );
}
