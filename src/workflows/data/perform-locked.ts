/** A verb that changes what is tracked: under DVC's lock, one operation, all or nothing. */
import type { Project } from "../../config/project.ts";
import { type Performance, perform } from "../../journal/perform.ts";
import type { Context } from "../../platform/context.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { prepareWriting } from "../prepare.ts";

/** `writes`: stored paths of the data that changes. */
export async function performLocked<Value>(
  project: Project,
  context: Context,
  { writes, ...performance }: Performance<Value> & { writes: readonly string[] },
): Promise<Value> {
  await prepareWriting(project, context);
  return withDvcLock(project, () => perform(project, context, performance), { writes });
}
