/**
 * Where objects wait until they get their names: one folder per ingest, beside the shards, that goes as a whole. Its name is none that
 * DVC takes for a shard. What a killed process left is removed by the next one that stores something there.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { identityOf, lifeOf, type ProcessIdentity } from "../platform/processes.ts";

const NAME = /^\.expver-[\w-]{12}\.tmp$/;
const OWNER = "owner";

/** Makes the folder, and says in it whose it is. */
export function makeStaging(folder: string): string {
  mkdirSync(folder, { recursive: true });
  sweep(folder);
  const path = `${folder}/.expver-${randomBytes(9).toString("base64url")}.tmp`;
  mkdirSync(path);
  writeFileSync(`${path}/${OWNER}`, JSON.stringify(identityOf(process.pid)));
  return path;
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (NAME.test(name) && isAbandoned(`${folder}/${name}`)) rmSync(`${folder}/${name}`, { recursive: true, force: true });
  }
}

/** Only when its owner is provably dead: on a share it may be another machine's. */
function isAbandoned(path: string): boolean {
  try {
    return lifeOf(JSON.parse(readFileSync(`${path}/${OWNER}`, "utf8")) as ProcessIdentity) === "dead";
  } catch {
    return false; // made a moment ago
  }
}
