/** What becomes of each input the experiment has changed: its own bytes, both sides' rows or files, or main's as they are. */
import { existsSync, renameSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { absolutePath, typedPath } from "../../../config/paths.ts";
import { ExpverError, failedWith, throwUnlessFailure } from "../../../errors.ts";
import { isDataFile } from "../../../merge/data/data-file.ts";
import { makeFolders } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { counted, someOf } from "../../../platform/words.ts";
import { inputPointers } from "../../../store/pointers/data-hash.ts";
import { readPointersAt } from "../../../store/pointers/pointers.ts";
import { listingFinder } from "../../../store/transfer/listings.ts";
import { fetchObjects } from "../../../store/transfer/transfer.ts";
import type { ListingEntry, Pointer } from "../../../store/types.ts";
import { lookingForMissing, makingOutput, storedMembers } from "../../../store/worktree/make-output.ts";
import { lookingForUnsaved } from "../../restore/saved.ts";
import type { Choices } from "./choices.ts";
import type { Scene } from "./scene.ts";

export interface DataChange {
  path: string;
  /** `take`: the experiment's bytes. `rows`, `files`: those of both sides. */
  how: "take" | "rows" | "files";
  theirs: Pointer;
  ours: Pointer | null;
  base: Pointer | null;
  /** One line for the plan, with the reason. */
  detail: string;
}

/** Throws E_CONFLICT where both sides have changed what cannot be united, E_UNSAVED where main's bytes are stored nowhere. */
export async function planData(scene: Scene, { data }: Choices): Promise<DataChange[]> {
  const { main, head, tip, base } = scene;
  if (data === "none") return [];
  const inputsAt = (commit: string | null) =>
    new Map(
      commit === null ? [] : inputPointers(main.project, readPointersAt(main.project, commit)).map((one) => [one.path, one] as const),
    );
  const [ofBase, ofMain, ofTip] = [inputsAt(base), inputsAt(head), inputsAt(tip)];
  const changes = [...ofTip.values()].flatMap((theirs): DataChange[] => {
    const { path, hash, stage } = theirs;
    const [before, ours] = [ofBase.get(path) ?? null, ofMain.get(path) ?? null];
    // What a stage makes is made again.
    if (hash === null || stage !== undefined || hash === before?.hash || hash === ours?.hash) return [];
    const change = { path, theirs, ours, base: before };
    if (ours === null) return [{ ...change, how: "take", detail: "new in the experiment" }];
    if (ours.hash === before?.hash) return [{ ...change, how: "take", detail: "only the experiment has changed it" }];
    if (data === "rebase") return [{ ...change, how: "take", detail: "both have changed it: rebase takes the experiment's" }];
    if (isDataFile(path)) return [{ ...change, how: "rows", detail: "both have changed it: the rows of both" }];
    if (hash.endsWith(".dir") && ours.hash?.endsWith(".dir"))
      return [{ ...change, how: "files", detail: "both have changed it: the files of both" }];
    throw new ExpverError("E_CONFLICT", `${path} was changed on both sides, and is neither a table nor a folder`, {
      hint: "Take the experiment's with --data rebase, or leave main's with --data none.",
      details: { path },
    });
  });
  const there = changes.map(({ path }) => path).filter((path) => existsSync(absolutePath(main.project, path)));
  const looking = lookingForUnsaved(main.project, main.repository, { paths: there, md5s: new Map() });
  const unsaved = await paceWork(looking, main.context, { label: "comparing data" });
  if (unsaved.length > 0) {
    throw new ExpverError("E_UNSAVED", `bytes here are stored nowhere and would be replaced: ${unsaved.slice(0, 5).join(", ")}`, {
      hint: `Store them first: expver data add ${typedPath(main.project, unsaved[0] ?? "")}; or leave main's data as it is: --data none`,
      details: { paths: unsaved },
    });
  }
  return changes;
}

/** Makes the new bytes at `target` (absolute, nothing stands there). */
export async function makeData({ main }: Scene, { path, how, theirs, ours, base }: DataChange, target: string): Promise<void> {
  const { project, context } = main;
  await requireStored(main, theirs);
  if (how !== "take" && ours !== null) await requireStored(main, ours);
  const label = { label: `making ${path}` };
  makeFolders(dirname(target));
  if (how === "rows" && ours !== null) {
    const place = (name: string) => `${target}.${name}${extname(path)}`;
    const named = (side: string) => ({ path: place(side), name: `${path} (${side})` });
    await paceWork(makingOutput(project, theirs, { at: () => place("theirs") }), context, label);
    await paceWork(makingOutput(project, ours, { at: () => place("ours") }), context, label);
    const ancestor = base !== null && (await isToBeHad(main, base)) ? named("ancestor") : undefined;
    if (base !== null && ancestor !== undefined) await paceWork(makingOutput(project, base, { at: () => ancestor.path }), context, label);
    const { prepareDataMerge, commitDataMerge } = await import("../../../merge/data/merge-data.ts");
    const prepared = await prepareDataMerge({
      base: named("ours"),
      sources: [named("theirs")],
      ancestor,
      output: place("merged"),
      strategy: "merge",
      keyColumns: [],
      matchNullKeys: false,
      onConflict: undefined,
      allowWiden: false,
    });
    commitDataMerge(prepared);
    renameSync(place("merged"), target);
    return;
  }
  const at = (relpath: string) => (relpath === "" ? target : join(target, relpath));
  if (how === "files" && ours !== null) {
    const chosen = unite(await listingsOf(main, { theirs, ours, base }), path);
    await paceWork(
      makingOutput(project, ours, { at, isWanted: (relpath) => relpath === "" || chosen.get(relpath) === "ours" }),
      context,
      label,
    );
    await paceWork(makingOutput(project, theirs, { at, isWanted: (relpath) => chosen.get(relpath) === "theirs" }), context, label);
    return;
  }
  await paceWork(makingOutput(project, theirs, { at }), context, label);
}

/** Fetched, where the cache has not all of it. Throws E_NOT_STORED. */
async function requireStored({ project, context }: Scene["main"], pointer: Pointer): Promise<void> {
  const look = () => paceWork(lookingForMissing(project, pointer), context, { label: `making ${pointer.path}` });
  if ((await look()).length === 0) return;
  try {
    await fetchObjects(project, [pointer], context);
  } catch (error) {
    throwUnlessFailure(error); // else: said below
  }
  const missing = await look();
  if (missing.length === 0) return;
  const what = missing[0] === "" && pointer.hash?.endsWith(".dir") ? "its listing" : counted(missing.length, "file");
  throw new ExpverError("E_NOT_STORED", `bytes of ${pointer.path} (${what}) are neither in the cache nor on the remote`, {
    hint: "Push them from where they were stored: expver data push. Or leave main's data as it is: --data none.",
    details: { path: pointer.path, hash: pointer.hash, missing },
  });
}

/** The ancestor's bytes; where they are nowhere, that is said. */
async function isToBeHad(main: Scene["main"], base: Pointer): Promise<boolean> {
  if (base.hash === null || base.hash.endsWith(".dir")) return false;
  try {
    await requireStored(main, base);
    return true;
  } catch (error) {
    if (!failedWith(error, "E_NOT_STORED")) throw error;
    sayUnknown(main, base.path);
    return false;
  }
}

function sayUnknown({ context }: Scene["main"], path: string): void {
  context.report({ kind: "warning", text: `${path}: what both sides came from is nowhere; what one of them has deleted may be back` });
}

type Members = ReadonlyMap<string, string>;

/** MD5s by path. Of an ancestor whose listing is nowhere: none, which is said. */
async function listingsOf(
  main: Scene["main"],
  { theirs, ours, base }: { theirs: Pointer; ours: Pointer; base: Pointer | null },
): Promise<Record<"ours" | "theirs" | "before", Members>> {
  const { project, context } = main;
  const of = (entries: readonly ListingEntry[]): Members => new Map(entries.map(({ relpath, md5 }) => [relpath, md5]));
  const before =
    base === null ? [] : base.hash?.endsWith(".dir") ? await listingFinder(project, context)(base) : storedMembers(project, base);
  if (before === null) sayUnknown(main, theirs.path);
  return { ours: of(storedMembers(project, ours) ?? []), theirs: of(storedMembers(project, theirs) ?? []), before: of(before ?? []) };
}

/** Three-way, file by file. Throws E_CONFLICT for one that both have changed. */
function unite(
  { ours: a, theirs: b, before }: Record<"ours" | "theirs" | "before", Members>,
  path: string,
): Map<string, "ours" | "theirs"> {
  const chosen = new Map<string, "ours" | "theirs">();
  const conflicts: string[] = [];
  for (const relpath of new Set([...a.keys(), ...b.keys()])) {
    const [mine, other, old] = [a.get(relpath), b.get(relpath), before.get(relpath)];
    const taken = mine === other || other === old ? "ours" : mine === old ? "theirs" : null;
    if (taken === null) conflicts.push(`${path}/${relpath}`);
    else if ((taken === "ours" ? mine : other) !== undefined) chosen.set(relpath, taken);
  }
  if (conflicts.length === 0) return chosen;
  throw new ExpverError("E_CONFLICT", `changed on both sides: ${someOf(conflicts, 5)}`, {
    hint: "Take the experiment's folder with --data rebase, or leave main's with --data none.",
    details: { paths: conflicts },
  });
}
