/** Asynchronous work that is done once, however many wait for it. A failure is not kept: whoever comes later tries again. */
export function once<Args extends unknown[], T>(
  work: (...args: Args) => Promise<T>,
  keyOf: (...args: Args) => string = () => "",
): (...args: Args) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (...args) => {
    const key = keyOf(...args);
    const doing =
      known.get(key) ??
      work(...args).catch((error: unknown) => {
        known.delete(key);
        throw error;
      });
    known.set(key, doing);
    return doing;
  };
}
