/** Works that were begun at the same time. */

/** Waits for all of them, also when one fails, so that none goes on behind a failure. Throws what the first in the list threw that failed. */
export async function together<T extends readonly unknown[]>(works: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const ended: PromiseSettledResult<unknown>[] = await Promise.allSettled(works);
  return ended.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  }) as unknown as T;
}

/** `work` for each item, so many under way at once; answers are in the order of the items. Throws as {@link together}: nothing is begun after a failure. */
export async function eachOf<Item, T>(items: readonly Item[], atOnce: number, work: (item: Item) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  const queue = items.entries();
  let hasFailed = false;
  const worker = async () => {
    for (const [index, item] of queue) {
      if (hasFailed) return;
      try {
        answers[index] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await together(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return answers;
}
