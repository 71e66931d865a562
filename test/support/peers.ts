/** The Python programs our files are checked against. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Path of a peer's executable (`dvc`, `xt`, `python`) in the virtual environment named by EXPVER_PEERS, by default
 * `.venv-peers`; null when it is not installed. With EXPVER_REQUIRE_PEERS set, a missing peer is an error, not a skip.
 */
export function peer(name: string): string | null {
  const path = join(resolve(process.env.EXPVER_PEERS ?? ".venv-peers"), "bin", name);
  if (existsSync(path)) return path;
  if (process.env.EXPVER_REQUIRE_PEERS) throw new Error(`${name} must be installed here, but there is no ${path}`);
  return null;
}
