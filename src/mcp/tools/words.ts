/** Arguments as words of a command line. */

/** A word that the parser can never take for an option. */
export function value(flag: string, given: unknown): string[] {
  if (given === undefined || given === false) return [];
  if (given === true) return [flag];
  if (Array.isArray(given)) return given.flatMap((one) => value(flag, one));
  return [`${flag}=${String(given)}`];
}

/** Positional words, behind `--`, so that a name beginning with a dash stays a name. */
export function names(...given: unknown[]): string[] {
  const words = given.flat().filter((one) => one !== undefined);
  return words.length === 0 ? [] : ["--", ...words.map(String)];
}
