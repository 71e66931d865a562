/** Storing what a program has written, until pointers say so: nothing else names those objects, and `dvc gc` would take them. */
import type { Project } from "../../../config/project.ts";
import { failedWith } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";

/**
 * Waits for other holders of DVC's lock as long as they need: what has run for days is not given up for a push. Nor for a lock that
 * nobody can take here.
 */
export async function whileStoring<T>(
  project: Project,
  { report, signal }: Pick<Context, "report" | "signal">,
  work: () => Promise<T>,
): Promise<T> {
  const patience = Number.POSITIVE_INFINITY;
  const waiting = { patience, report, ...(signal === undefined ? {} : { signal }) };
  let isHeld = false;
  const held = () => {
    isHeld = true;
    return work();
  };
  try {
    return await withDvcLock({ ...project, waiting }, held);
  } catch (error) {
    if (isHeld || !failedWith(error, "E_IO")) throw error;
    report({
      kind: "warning",
      text: `${error.message}: stored without it`,
      hint: "Let no gc, of dvc or expver, run beside a run that ends.",
    });
    return work();
  }
}
