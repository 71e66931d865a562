/** Work that meets damaged objects of the cache: they are fetched, and it is done once more. */
import type { Context } from "../../../platform/context.ts";
import { isDamageMet } from "../../../store/objects/damaged.ts";

/** `work` leaves nothing behind when it fails so. */
export async function onceMoreIfDamaged<T>(
  context: Context,
  { work, fetch }: { work: () => Promise<T>; fetch: () => Promise<unknown> },
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDamageMet(error)) throw error;
    context.report({ kind: "warning", text: error.message, hint: "It is fetched again." });
  }
  await fetch();
  return work();
}
