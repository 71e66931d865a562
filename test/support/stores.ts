/** What must hold for a cache or folder remote at every moment, whoever was killed. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ManyFiles } from "../../src/platform/threads/many-files.ts";

/** Names of the objects. Throws when one is not read-only (a server's need not be), has other bytes than its name says, or is a listing without a member. */
export function checkedObjects(folder: string, { readOnly = true } = {}): string[] {
  const base = join(folder, "files/md5");
  const found: string[] = [];
  for (const shard of namesIn(base).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    for (const rest of namesIn(join(base, shard))) {
      const path = join(base, shard, rest);
      const hash = createHash("md5").update(readFileSync(path)).digest("hex");
      if (`${shard}${rest}`.replace(/\.dir$/, "") !== hash) throw new Error(`${path} holds ${hash}`);
      if (readOnly && (lstatSync(path).mode & 0o777) !== 0o444) throw new Error(`${path} is not read-only`);
      found.push(shard + rest);
    }
  }
  const all = new Set(found);
  for (const listing of found.filter((name) => name.endsWith(".dir"))) {
    const members: { md5: string }[] = JSON.parse(readFileSync(join(base, listing.slice(0, 2), listing.slice(2)), "utf8"));
    for (const { md5 } of members) if (!all.has(md5)) throw new Error(`${listing} is there without its member ${md5}`);
  }
  return found.sort();
}

/** Temporary files and folders anywhere below, but for those in our state: they are small, and doctor's. */
export function temporariesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".tmp") && !path.includes(".git/expver/"),
  );
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

interface OneOfMany {
  path: string;
  size: number;
  md5?: string;
  to?: string;
}

/** Files as those who read many of them want to be told of them. All or none have a known hash, or a target. */
export function manyOf(files: readonly OneOfMany[]): ManyFiles {
  const at = (index: number) => files[index] as OneOfMany;
  return {
    count: files.length,
    size: (index) => at(index).size,
    path: (index) => at(index).path,
    ...(files[0]?.md5 === undefined ? {} : { md5: (index: number) => at(index).md5 as string }),
    ...(files[0]?.to === undefined ? {} : { to: (index: number) => at(index).to as string }),
  };
}
