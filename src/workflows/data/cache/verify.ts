/** `expver data verify`: objects of the cache are read; with `--repair` damaged ones go to its trash, and come again from a remote. */
import { randomInt } from "node:crypto";
import { ExpverError } from "../../../errors.ts";
import { paceWork } from "../../../platform/pace.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { findingDamaged, quarantine } from "../../../store/objects/damaged.ts";
import { keyOf, type ObjectName } from "../../../store/objects/layout.ts";
import { type CacheFile, readingCache } from "../../../store/objects/unused.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import { readDvcConfig } from "../../../store/settings/dvc-config.ts";
import { withEach } from "../../../store/transfer/by-remote.ts";
import { listingFinder } from "../../../store/transfer/listings.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { openData, type Selection, selectPointers, targetsOf } from "../open-data.ts";
import { namesOf } from "./gc-names.ts";

interface VerifyPlan extends Plan {
  result: DataVerifyResult;
  damaged: CacheFile[];
  repair: boolean;
  remote: string | undefined;
  /** By key: the remotes that pointers name (`remote:`). */
  ownRemotes: ReadonlyMap<string, string>;
}

export interface DataVerifyResult {
  /** Objects that were read, and their bytes. */
  read: number;
  bytes: number;
  /** Objects of which those are a sample, or all. */
  of: number;
  /** By path and version, as far as tags and recent commits name them. */
  damaged: { target: string; detail: string; count: number; bytes: number }[];
  /** Their names. */
  objects: string[];
  /** With `--repair`: where they are now; null: they are where they were. */
  trash: string | null;
  /** With `--repair`: how many have come again, from where. */
  fetched: number;
  remote: string | null;
  exitCode: number;
}

export const dataVerify: WriteWorkflow<Input, VerifyPlan, DataVerifyResult> = {
  async plan(context, input) {
    const project = openData(context);
    const cache = openCache(project);
    const isObject = ({ hash }: ObjectName) => /^[0-9a-f]{32}(?:\.dir)?$/.test(hash);
    const all = await paceWork(readingCache(cache.dir, context.clock(), isObject), context, { label: "looking through the cache" });
    const targets = targetsOf(input);
    const meant =
      targets.targets.length === 0 ? all : await amongTargets(all, selectPointers(project, context, targets), listingFinder(project));
    const files = sampleOf(meant, textIn(input.sample));
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const pace = { label: "reading the cache", total: files.length, totalBytes: bytes };
    const keys = new Set((await paceWork(findingDamaged(cache.dir, files), context, pace)).map(keyOf));
    const damaged = files.filter((file) => keys.has(keyOf(file)));
    const ownRemotes = new Map<string, string>();
    const names = namesOf(project, damaged, (key, { remote }) => remote !== undefined && ownRemotes.set(key, remote));
    const repair = input.repair === true;
    return {
      command: "data verify",
      steps: repair
        ? names.map(({ target, detail, count, bytes }) => ({
            verb: "fetch again",
            target,
            detail,
            count,
            bytes,
            keeps: "the cache's trash",
          }))
        : [],
      destructive: false,
      fingerprint: fingerprintOf(damaged.map(({ name, size }) => [name, size])),
      damaged,
      repair,
      remote: textIn(input.remote),
      ownRemotes,
      result: {
        read: files.length,
        bytes,
        of: meant.length,
        damaged: names,
        objects: damaged.map(({ hash }) => hash),
        trash: null,
        fetched: 0,
        remote: null,
        exitCode: damaged.length > 0 ? 1 : 0,
      },
    };
  },

  async apply(context, { damaged, repair, result, remote: asked, ownRemotes }) {
    if (!repair || damaged.length === 0) return result;
    const project = openData(context);
    await prepareWriting(project, context);
    return withDvcLock(project, async () => {
      const cache = openCache(project);
      // Somebody may have repaired them meanwhile.
      const still = await paceWork(findingDamaged(cache.dir, damaged), context, { label: "reading the cache" });
      const trash = quarantine(cache, still);
      const defaultRemote = readDvcConfig(project).defaultRemote ?? undefined;
      const groups = new Map<string | undefined, ObjectName[]>();
      for (const object of still) {
        const name = asked ?? ownRemotes.get(keyOf(object)) ?? defaultRemote;
        groups.set(name, (groups.get(name) ?? []).concat(object));
      }
      const answer = { ...result, trash, exitCode: still.length > 0 ? 1 : 0 };
      if (still.length === 0 || (groups.size === 1 && groups.has(undefined))) return answer;
      let whole = 0;
      const remotes: string[] = [];
      const say = (hash: string, why: string) =>
        context.report({ kind: "warning", text: `${hash}: ${why}`, hint: "The file may be whole in a worktree: expver data commit -f." });
      const failed = await withEach(groups, async (name, objects) => {
        const remote = openRemote(project, name);
        const received = await remote.receive(objects, cache, context);
        answer.fetched += received.objects;
        whole += objects.length - received.failures.length;
        remotes.push(remote.name);
        for (const { object, error } of received.failures) say(object.hash, error?.message ?? `not on ${remote.name}`);
      });
      for (const { outputs, error } of failed) for (const { hash } of outputs) say(hash, error.message);
      return { ...answer, remote: remotes.join(", "), exitCode: whole < still.length ? 1 : 0 };
    });
  },

  show: ({ command, steps, destructive, fingerprint, result }) => ({ command, steps, destructive, fingerprint, result }),
};

/** Objects of these outputs. */
async function amongTargets(
  all: readonly CacheFile[],
  { pointers }: Selection,
  findListing: ReturnType<typeof listingFinder>,
): Promise<CacheFile[]> {
  const keys = new Set<string>();
  for (const pointer of pointers) {
    if (pointer.hash === null) continue;
    const { hash, hashName } = pointer;
    keys.add(keyOf({ hash, hashName }));
    for (const { md5 } of (hash.endsWith(".dir") ? await findListing(pointer) : null) ?? []) keys.add(keyOf({ hash: md5, hashName }));
  }
  return all.filter((file: ObjectName) => keys.has(keyOf(file)));
}

/** `500`, `5%`. Any of them, all equally likely. Throws E_USAGE. */
function sampleOf(files: readonly CacheFile[], typed: string | undefined): readonly CacheFile[] {
  if (typed === undefined) return files;
  const [, digits, percent] = /^([0-9]+(?:\.[0-9]+)?)(%?)$/.exec(typed) ?? [];
  const amount = Number(digits);
  if (digits === undefined || !(amount > 0) || (percent === "%" ? amount > 100 : !Number.isInteger(amount)))
    throw new ExpverError("E_USAGE", `--sample is ${JSON.stringify(typed)}; expected a number of objects, or a part like 5%`, {
      details: { dialect: "dvc" },
    });
  const wanted = Math.min(files.length, percent === "%" ? Math.ceil((files.length * amount) / 100) : amount);
  const left = [...files];
  return Array.from({ length: wanted }, (_, index) => {
    const other = index + randomInt(left.length - index);
    const chosen = left[other] as CacheFile;
    left[other] = left[index] as CacheFile;
    return chosen;
  });
}
