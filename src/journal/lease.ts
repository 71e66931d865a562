/** Leases: who may do something long (a run in a worktree). A file naming its owner, replaced only when that owner is provably dead. */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Place } from "../config/project.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import { fileNameOf, hasCode, isMissing, isThere, readTextIfExists, writeFileAtomic } from "../platform/files.ts";
import { tryLock } from "../platform/locks.ts";
import { identityOf, lifeOf, type ProcessIdentity, whereIs } from "../platform/processes.ts";

export interface LeaseRecord {
  name: string;
  owner: ProcessIdentity;
  /** What the holder says about itself, for messages: run id, command, since. */
  facts: Record<string, unknown>;
  /** Tells this lease from a later one of the same process. */
  token: string;
}

export interface Lease extends LeaseRecord {
  /** Replaces the facts. Does nothing once the lease is lost. */
  update(facts: Record<string, unknown>): void;
  /** Gives it up; harmless when it is gone already. */
  release(): void;
}

/** Takes the lease or throws E_BUSY naming the holder. `owner`: the process it lives and dies with, default this one. */
export function acquireLease(project: Place, name: string, facts: Record<string, unknown>, owner = identityOf(process.pid)): Lease {
  const path = leasePath(project, name);
  const record: LeaseRecord = { name, owner, facts, token: randomUUID() };
  if (!createWhole(path, record, withoutLinks) && !replaceDead(path, record)) throw busy(name, readLease(project, name));
  const isOurs = () => readLease(project, name)?.token === record.token;
  return {
    ...record,
    update: (changed) => isOurs() && writeFileAtomic(path, JSON.stringify({ ...record, facts: changed })),
    release: () => isOurs() && rmSync(path, { force: true }),
  };
}

/** Who holds a lease, dead or alive (see `lifeOf`); null when nobody does. */
export function readLease(project: Place, name: string): LeaseRecord | null {
  return parseLease(readTextIfExists(leasePath(project, name)));
}

/** Every lease there is. */
export function listLeases(project: Place): LeaseRecord[] {
  try {
    const names = readdirSync(join(project.stateDir, "leases")).filter((name) => name.endsWith(".json"));
    return names.flatMap((name) => parseLease(readTextIfExists(join(project.stateDir, "leases", name))) ?? []);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Removes a lease whose owner is provably dead; true when there was one. */
export function dropDeadLease(project: Place, name: string): boolean {
  return underLock(leasePath(project, name), () => {
    const held = readLease(project, name);
    if (held === null || lifeOf(held.owner) !== "dead") return false;
    rmSync(leasePath(project, name), { force: true });
    return true;
  });
}

/** Another process may replace the same dead owner at the same moment: one at a time, each looking again. */
function replaceDead(path: string, record: LeaseRecord): boolean {
  return underLock(path, () => {
    const held = parseLease(readTextIfExists(path));
    if (held !== null && lifeOf(held.owner) !== "dead") return false;
    // A text that is no lease is what a power cut left: leases appear whole.
    rmSync(path, { force: true });
    return createWhole(path, record, renameToFree);
  });
}

/** The file appears with all its content or not at all; false when there is one. `instead`: what to do where there are no hard links. */
function createWhole(path: string, record: LeaseRecord, instead: (temporary: string, path: string) => boolean): boolean {
  const temporary = `${path}.${record.token}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, JSON.stringify(record), { flag: "wx" });
    try {
      linkSync(temporary, path);
    } catch (error) {
      // exFAT, shares, drives of clouds; rclone's mounts say EIO.
      if (!hasCode(error, "EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EIO")) throw error;
      return instead(temporary, path);
    }
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw fromSystemError(error, `cannot take the lease ${record.name}`);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function withoutLinks(temporary: string, path: string): boolean {
  return underLock(path, () => renameToFree(temporary, path));
}

/** Under the lock: a rename replaces what is there. */
function renameToFree(temporary: string, path: string): boolean {
  if (isThere(path)) return false;
  renameSync(temporary, path);
  return true;
}

function underLock(path: string, act: () => boolean): boolean {
  const lock = tryLock(`${path}.lock`);
  if (lock === null) return false;
  try {
    return act();
  } finally {
    lock.release();
  }
}

function parseLease(text: string | null): LeaseRecord | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as LeaseRecord;
  } catch {
    return null;
  }
}

function busy(name: string, held: LeaseRecord | null): ExpverError {
  if (held === null)
    return new ExpverError("E_BUSY", `${name} was taken by another process at this moment`, { hint: "Repeat the command." });
  const { owner, facts } = held;
  const elsewhere = lifeOf(owner) === "unknown";
  const about = Object.entries(facts).map(([key, value]) => `${key} ${String(value)}`);
  const who = `process ${owner.pid}${elsewhere ? ` on ${whereIs(owner)}` : ""}`;
  return new ExpverError("E_BUSY", `${name} is held by ${who}${about.length > 0 ? ` (${about.join(", ")})` : ""}`, {
    hint: elsewhere ? `Look there whether it still runs.` : `Wait for it, or stop it: kill ${owner.pid}`,
    details: { name, owner, facts },
  });
}

function leasePath(project: Place, name: string): string {
  return join(project.stateDir, "leases", `${fileNameOf(name)}.json`);
}
