/** What `list`, `get` and `import` have in common: a path in another repository, and options about it. */
import { posix } from "node:path";
import { ExpverError } from "../../../errors.ts";
import type { Source } from "../../../store/source.ts";
import type { Input } from "../../contract.ts";

/** From the source's top; `..` leads no further than there. */
export function sourcePath({ base }: Source, typed: string | undefined): string {
  const path = posix.join("/", base, typed ?? "").replace(/\/$/, "");
  return path.slice(1);
}

export function refuseForeignConfig({ config, remoteConfig }: Input): void {
  const flag = config !== undefined ? "--config" : remoteConfig !== undefined ? "--remote-config" : null;
  if (flag === null) return;
  throw new ExpverError("E_USAGE", `${flag} is not supported`, {
    hint: "Name one of the remotes of that repository with --remote, or set the option there.",
    details: { dialect: "dvc" },
  });
}
