/** Copies of many files: each a clone where the file system can, by several threads where that is much work. */
import { createPlacer } from "./links.ts";
import { batchesOf, type Work } from "./pace.ts";
import { copyingMany } from "./threads/many-files.ts";

export interface FileToCopy {
  /** Absolute. */
  from: string;
  /** Absolute, in a folder that is there; nothing has that name. */
  to: string;
  /** Bytes. */
  size: number;
}

/** Answers the MD5 of each where they are wanted, which costs more than the copy; null: not known. */
export function* copyingFiles(files: readonly FileToCopy[], { hashed }: { hashed: boolean }): Work<(string | null)[]> {
  const placer = createPlacer(["copy"]);
  const md5s: (string | null)[] = [];
  for (const some of batchesOf(files)) {
    const fileAt = (index: number) => some[index] as FileToCopy;
    const answers = yield* copyingMany(
      {
        count: some.length,
        size: (index) => fileAt(index).size,
        path: (index) => fileAt(index).from,
        to: (index) => fileAt(index).to,
      },
      { clone: true, unhashed: !hashed },
    );
    for (const [index, { from, to, size }] of some.entries()) {
      const isMade = answers.state(index) === "done";
      if (!isMade) yield* placer.duplicating(from, to, size);
      md5s.push(isMade && hashed ? answers.md5(index) : null);
    }
  }
  return md5s;
}
