/** The SQLite driver that is there: Node's own, or the one expver brings where Node has none. */
import { createRequire } from "node:module";

export const { DatabaseSync } = driver();

function driver() {
  const require = createRequire(import.meta.url);
  try {
    return require("node:sqlite");
  } catch {
    return require("@photostructure/sqlite");
  }
}
