/** What `list`, `get` and `import` have in common: a path in another repository, and options about it. */
import { posix } from "node:path";
import type { Source } from "../../../store/source.ts";

/** From the source's top; `..` leads no further than there. */
export function sourcePath({ base }: Source, typed: string | undefined): string {
  const path = posix.join("/", base, typed ?? "").replace(/\/$/, "");
  return path.slice(1);
}
