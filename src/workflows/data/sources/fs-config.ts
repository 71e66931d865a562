/** `--fs-config KEY=VALUE…`: options for a place that no remote names. */
import { ExpverError } from "../../../errors.ts";
import type { Input } from "../../contract.ts";
import { wordsOf } from "../../input.ts";

/** Throws E_USAGE. */
export function fsConfigOf({ fsConfig }: Input): Map<string, string> {
  return pairsOf("--fs-config", fsConfig);
}

/** KEY=VALUE, as often as typed. Throws E_USAGE. */
export function pairsOf(flag: string, typed: Input[string]): Map<string, string> {
  if (typed === undefined || typed === true || typed === false) return new Map();
  return new Map(
    wordsOf(typed).map((word) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      throw new ExpverError("E_USAGE", `${flag} has ${JSON.stringify(word)}; expected KEY=VALUE`, { details: { dialect: "dvc" } });
    }),
  );
}
