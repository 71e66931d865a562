/** Storing what a program has written, until pointers say so: nothing else names those objects, and `dvc gc` would take them. */
import type { Project } from "../../../config/project.ts";
import type { Context } from "../../../platform/context.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";

/** Waits for other holders of DVC's lock as long as they need: what has run for days is not given up for a push. */
export function whileStoring<T>(
  project: Project,
  { report, signal }: Pick<Context, "report" | "signal">,
  work: () => Promise<T>,
): Promise<T> {
  const patience = Number.POSITIVE_INFINITY;
  const waiting = { patience, report, ...(signal === undefined ? {} : { signal }) };
  return withDvcLock({ ...project, waiting }, work);
}
