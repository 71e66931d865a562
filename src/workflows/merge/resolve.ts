/** `expver merge --resolve`: pointers that a merge, rebase or cherry-pick of Git left in conflict. */
import { absolutePath, isWithin, pathFromUser, typedPath } from "../../config/paths.ts";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import { type IndexEdit, setIndexEntries, type UnmergedPath } from "../../git/index-file.ts";
import { hashBlob } from "../../git/objects.ts";
import { resolveCommit } from "../../git/refs.ts";
import { unfinished } from "../../git/status.ts";
import { catFiles } from "../../git/tree.ts";
import { readUnmerged } from "../../git/unmerged.ts";
import { perform } from "../../journal/perform.ts";
import { mergeLockFile } from "../../merge/pointers/merge-lock-file.ts";
import { mergePointer } from "../../merge/pointers/merge-pointer.ts";
import type { ConflictChoice } from "../../merge/results/types.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { counted } from "../../platform/words.ts";
import { isLockFile } from "../../store/pointers/pointers.ts";
import type { FileEdit } from "../../store/types.ts";
import { applyFileEdits } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { describeOutput } from "./describe-output.ts";
import { projectOf } from "./project-of.ts";

export interface Resolution {
  /** Without it the merge is only tried again: bytes may have been fetched meanwhile. */
  choice: ConflictChoice | undefined;
  files: Undecided[];
}

/** A pointer in conflict. Texts are null where that side has no such file. */
interface Undecided extends UnmergedPath {
  texts: { base: string | null; ours: string | null; theirs: string | null };
}

export interface ResolvedPointer {
  /** In stored form. */
  file: string;
  state: "resolved" | "removed" | "conflict";
  /** What became of its outputs, or why it is still in conflict. */
  says: string[];
}

export interface Resolved {
  pointers: ResolvedPointer[];
  /** What Git goes on with, once nothing is in conflict: "merge", "rebase" … */
  unfinished: string | null;
  /** 4 while one of them is in conflict. */
  exitCode: number;
}

/** Throws E_NOT_FOUND for a path that is not in conflict, E_USAGE for one that is left to Git. */
export function planResolution(context: Context, typed: readonly string[], choice: ConflictChoice | undefined): Resolution {
  const project = openProject(context);
  const repository = requireRepository(project);
  const unmerged = readUnmerged(repository);
  const pointers = unmerged.filter(({ path }) => path.endsWith(".dvc") || isLockFile(path));
  const places = typed.map((path) => pathFromUser(project, context, path));
  for (const [index, place] of places.entries()) refuseOther(unmerged, pointers, { place, typed: typed[index] ?? place });
  const chosen = places.length === 0 ? pointers : pointers.filter(({ path }) => places.some((place) => isMeant(path, place)));
  if (chosen.length === 0) throw new ExpverError("E_NOT_FOUND", "no pointer is in conflict here", { hint: "git status shows what is." });
  const texts = catFiles(repository, [
    ...new Set(chosen.flatMap(({ base, ours, theirs }) => [base, ours, theirs].flatMap((one) => one?.object ?? []))),
  ]);
  const textOf = (entry: UnmergedPath["ours"]) => (entry === undefined ? null : (texts.get(entry.object)?.toString("utf8") ?? null));
  return {
    choice,
    files: chosen.map((one) => ({ ...one, texts: { base: textOf(one.base), ours: textOf(one.ours), theirs: textOf(one.theirs) } })),
  };
}

export async function applyResolution(context: Context, { choice, files }: Resolution): Promise<Resolved> {
  const project = openProject(context);
  const repository = requireRepository(project);
  await prepareWriting(project, context);
  const pointers: ResolvedPointer[] = [];
  const edits: FileEdit[] = [];
  const staged: (IndexEdit & { file: Undecided })[] = [];
  for (const file of files) {
    const { path } = file;
    const { text, conflicts, says } = await decide(file);
    const before = readTextIfExists(absolutePath(project, path));
    if (text !== undefined && text !== before) edits.push({ path: absolutePath(project, path), before, after: text });
    pointers.push({
      file: path,
      state: conflicts.length > 0 ? "conflict" : text === null ? "removed" : "resolved",
      says: [...conflicts, ...says],
    });
    const object = text == null ? null : hashBlob(repository, text);
    if (conflicts.length === 0) staged.push({ path, mode: (file.ours ?? file.theirs)?.mode ?? "100644", object, file });
  }
  if (edits.length + staged.length > 0) {
    await perform(project, context, {
      command: "merge",
      argv: ["merge", "--resolve", ...(choice === undefined ? [] : [choice]), ...files.map(({ path }) => path)],
      summary: `resolve ${counted(staged.length, "pointer")}`,
      work: (operation) => {
        const head = resolveCommit(repository, "HEAD");
        if (staged.length > 0) operation.record({ kind: "unmerged", head, paths: staged.map(stagedPath) });
        applyFileEdits(project, operation, edits);
        setIndexEntries(
          repository,
          staged.map(({ path, mode, object }) => ({ path, mode, object })),
        );
      },
    });
  }
  const isLeft = pointers.some(({ state }) => state === "conflict");
  return { pointers, unfinished: unfinished(repository), exitCode: isLeft ? 4 : 0 };

  /** `text` undefined: the file stays as it is; null: it goes away. */
  async function decide({ path, texts }: Undecided): Promise<{ text?: string | null; conflicts: string[]; says: string[] }> {
    const { base, ours, theirs } = texts;
    if (ours === null || theirs === null) {
      if (choice === "ours" || choice === "theirs") return { text: texts[choice], conflicts: [], says: [] };
      return { conflicts: [`${ours === null ? "ours" : "theirs"} has removed it, the other side has changed it`], says: [] };
    }
    try {
      if (isLockFile(path)) return mergeLockFile({ file: path, base, ours, theirs, choice });
      const { text, outputs, conflicts } = await mergePointer(projectOf(context, path), context, {
        file: path,
        base,
        ours,
        theirs,
        choice,
      });
      return {
        text,
        conflicts,
        says: [...outputs.flatMap(({ notes }) => notes), ...outputs.flatMap((output) => describeOutput(output) ?? [])],
      };
    } catch (error) {
      if (!failedWith(error, "E_POINTER")) throw error;
      return { conflicts: [`${error.message}: edit it, then git add ${typedPath(projectOf(context, path), path)}`], says: [] };
    }
  }
}

/** With what each side had, so that the conflict can be had again. */
function stagedPath({ path, mode, object, file: { base, ours, theirs } }: IndexEdit & { file: Undecided }) {
  const before = { ...(base && { base }), ...(ours && { ours }), ...(theirs && { theirs }) };
  return { path, before, after: object === null ? null : { mode, object } };
}

function isMeant(file: string, place: string): boolean {
  return file === `${place}.dvc` || place === "" || isWithin(file, place);
}

function refuseOther(
  unmerged: readonly UnmergedPath[],
  pointers: readonly UnmergedPath[],
  { place, typed }: { place: string; typed: string },
): void {
  if (pointers.some(({ path }) => isMeant(path, place))) return;
  if (!unmerged.some(({ path }) => path === place)) {
    throw new ExpverError("E_NOT_FOUND", `${typed} is not in conflict`, { hint: "git status shows what is.", details: { path: place } });
  }
  throw new ExpverError("E_USAGE", `${typed} is no pointer: that conflict is left to Git`, {
    hint: "Edit it, then git add it.",
    details: { path: place },
  });
}
