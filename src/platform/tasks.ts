/** The kinds of work that threads take part in. */
import { type CopyTask, fileCopier } from "./file-copier.ts";
import type { Perform } from "./pieces.ts";
import { type StatTask, statTaker } from "./stat-task.ts";

export type Task = CopyTask | StatTask;

/** Does one piece of a task by its number. */
export function performerOf(task: Task): Perform {
  const split = (joined: string) => joined.split("\0");
  if (task.kind === "stat") {
    const paths = split(task.paths);
    return statTaker((index) => paths[index] as string, task.numbers);
  }
  return fileCopier(task, { paths: task.paths === "" ? [] : split(task.paths), to: task.to === null ? null : split(task.to) });
}
