/**
 * Where files wait until they get their names: one folder per piece of work, that goes as a whole. It lies beside the shards of a cache
 * (its name is none that DVC takes for one) or in `.dvc/tmp`. Its name says whose it is: what a killed process left is removed by the
 * next one that works there.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { identityOf, lifeOf } from "../platform/processes.ts";

const NAME = /^\.expver-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{8}\.tmp$/;

export function makeStaging(folder: string): string {
  const { host, boot, pid, start } = identityOf(process.pid);
  const path = `${folder}/.expver-${digest(host)}-${digest(boot)}-${pid}-${start}-${randomBytes(4).toString("hex")}.tmp`;
  mkdirSync(path, { recursive: true });
  return path;
}

/** Removes what killed processes left in such folders. */
export function sweepStagings(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (isAbandoned(name)) rmSync(`${folder}/${name}`, { recursive: true, force: true });
}

/** Only when its owner is provably dead: on a share it may be another machine's. */
function isAbandoned(name: string): boolean {
  const [, host, boot, pid, start = ""] = NAME.exec(name) ?? [];
  const here = identityOf(process.pid);
  if (host !== digest(here.host)) return false;
  return boot !== digest(here.boot) || lifeOf({ ...here, pid: Number(pid), start }) === "dead";
}

function digest(text: string): string {
  return createHash("md5").update(text).digest("hex").slice(0, 8);
}
