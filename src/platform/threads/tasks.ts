/** The kinds of work that threads take part in. */
import { type CopyTask, fileCopier } from "./file-copier.ts";
import type { Perform } from "./pieces.ts";
import { readerOf } from "./shared-texts.ts";
import { type StatTask, statTaker } from "./stat-task.ts";

export type Task = CopyTask | StatTask;

/** Does one piece of a task by its number. */
export function performerOf(task: Task): Perform {
  return task.kind === "stat" ? statTaker(readerOf(task.paths), task.numbers) : fileCopier(task);
}
