/** A process that is provably dead, on this host and boot. */
import { spawnSync } from "node:child_process";
import { identityOf, type ProcessIdentity } from "../../src/platform/processes.ts";

export function deadIdentity(): ProcessIdentity {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  return { ...identityOf(process.pid), pid, start: "1" };
}
