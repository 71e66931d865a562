/** The kinds of work that threads take part in. */
import { type SmallTask, smallCopier } from "./small-copier.ts";
import { type StatTask, statTaker } from "./stat-task.ts";

export type Task = SmallTask | StatTask;

/** Does one piece of a task by its number. */
export function performerOf(task: Task): (piece: number) => void {
  return task.kind === "copy" ? smallCopier(task) : statTaker(task);
}
