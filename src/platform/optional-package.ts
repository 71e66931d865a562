/** Packages that npm may have left out: a native library is made for one system, and need not load on this one. */

/** Why one could not be loaded, as the end of a sentence: it is not installed, or what the system's loader said. */
export function whyNotLoaded(error: unknown): { why: string; isInstalled: boolean } {
  const { code, message } = error as NodeJS.ErrnoException;
  const isInstalled = code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND";
  return { isInstalled, why: isInstalled ? (message.split("\n")[0] ?? "").trim() : "it is not installed" };
}
