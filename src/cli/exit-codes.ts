/** The one place where a failure becomes an exit code (product contract: 0 done … 5 differences; 130 interrupted; 255 our bug). */
import { type ErrorKind, ExpverError } from "../errors.ts";

const BY_KIND: Record<ErrorKind, number> = { failed: 1, usage: 2, confirmation: 3, refused: 4, differs: 5 };

export const EXIT_BUG = 255;
const EXIT_INTERRUPTED = 130;

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ExpverError)) return EXIT_BUG;
  return error.code === "E_INTERRUPTED" ? EXIT_INTERRUPTED : BY_KIND[error.kind];
}
