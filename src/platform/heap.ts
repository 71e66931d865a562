/** How much memory the collector lets a command take before it looks for what is not needed any more. */
import { setFlagsFromString } from "node:v8";

// Below, what is saved does not matter, and collecting more often would cost a fifth of the time.
const MANY = 500_000;
const GROWING_PERCENT = 25;

let isTight = false;

/** So many entries are going to be held: the heap then grows by a quarter between two collections, not to three times of what is in use. */
export function expectEntries(count: number): void {
  if (isTight || count < MANY) return;
  isTight = true;
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}
