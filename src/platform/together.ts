/** Works that were begun at the same time. */

/** Waits for all of them, also when one fails, so that none goes on behind a failure. Throws what the first in the list threw that failed. */
export async function together<T extends readonly unknown[]>(works: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const ended: PromiseSettledResult<unknown>[] = await Promise.allSettled(works);
  return ended.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  }) as unknown as T;
}
