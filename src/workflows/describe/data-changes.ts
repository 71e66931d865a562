/** What became of the inputs a version had: other bytes, other names, or none of them any more. */
import type { ArtifactEntry } from "../../versions/types.ts";

type Input = Pick<ArtifactEntry, "path" | "hash">;

export interface DataChanges {
  /** Paths of inputs that were not there, or had other bytes. */
  data: string[];
  /** The same bytes under another path. */
  renamed: { from: string; to: string }[];
  /** Paths of what is no input any more. */
  gone: string[];
}

/** `fresh`: paths of `now` that are known to be other than they were. */
export function dataChanges({
  before,
  now,
  fresh,
}: {
  before: readonly Input[];
  now: readonly Input[];
  fresh: readonly string[];
}): DataChanges {
  const paths = new Set(now.map(({ path }) => path));
  const hashes = new Map(now.map(({ path, hash }) => [path, hash]));
  const left = new Set(fresh);
  const renamed: DataChanges["renamed"] = [];
  const gone: string[] = [];
  for (const { path: from, hash } of before.filter(({ path }) => !paths.has(path))) {
    const to = [...left].find((path) => hashes.get(path) === hash);
    if (to === undefined) gone.push(from);
    else {
      left.delete(to);
      renamed.push({ from, to });
    }
  }
  return { data: [...left], renamed, gone };
}
