/** One file's status after another, as any thread takes them. */
import { lstatSync } from "node:fs";

/** The files as they go to a thread. */
export interface StatTask {
  kind: "stat";
  /** Absolute, NUL between them. */
  paths: string;
  /** For each file the numbers of a `FileStat`, in its order. */
  numbers: Float64Array;
}

export const COLUMNS = 7;
export const MODE = 2;
/** As a mode: there is nothing. 0 is what nobody could look at. */
export const NOTHING = -1;

export function statTaker({ paths: joined, numbers }: StatTask): (index: number) => void {
  const paths = joined.split("\0");
  return (index) => {
    const at = index * COLUMNS;
    try {
      const stat = lstatSync(paths[index] as string, { throwIfNoEntry: false });
      if (stat === undefined) {
        numbers[at + MODE] = NOTHING;
        return;
      }
      numbers[at] = stat.dev;
      numbers[at + 1] = stat.ino;
      numbers[at + MODE] = stat.mode;
      numbers[at + 3] = stat.nlink;
      numbers[at + 4] = stat.size;
      numbers[at + 5] = stat.mtimeMs;
      numbers[at + 6] = stat.ctimeMs;
    } catch {
      // The caller looks again by itself, and says what is wrong.
    }
  };
}
