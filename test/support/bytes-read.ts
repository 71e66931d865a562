/** What a piece of work reads. */
import { readFileSync } from "node:fs";

/** Bytes that this process has read so far, out of files, pipes and memory of the system; Linux only. */
export function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}
