/** The Python programs our files are checked against. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

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

/** Path of a peer when a Python package is installed beside it: `dvc` with `dvc_s3`. */
export function peerWith(name: string, module: string): string | null {
  const path = peer(name);
  if (path === null) return null;
  const { status } = spawnSync(join(dirname(path), "python"), [
    "-c",
    `import importlib.util as u, sys; sys.exit(u.find_spec(${JSON.stringify(module)}) is None)`,
  ]);
  if (status === 0) return path;
  if (process.env.EXPVER_REQUIRE_PEERS)
    throw new Error(`${module} must be installed beside ${path}: scripts/peers.sh makes such an environment`);
  return null;
}
