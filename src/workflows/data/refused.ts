import { ExpverError } from "../../errors.ts";

/** What is asked for does not fit what lies here. */
export function refused(message: string, hint: string): ExpverError {
  return new ExpverError("E_DATA", message, { hint });
}
