/**
 * One `.dvc` file that two sides changed: a results database is merged by row, a folder entry by entry, anything else stays
 * a choice. New bytes are in the cache, durable, before a text that names them is answered. Nothing else is written.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { mergeTexts } from "../../git/merge-file.ts";
import type { Context } from "../../platform/context.ts";
import { openCache } from "../../store/objects/cache.ts";
import { beginIngest } from "../../store/objects/ingest.ts";
import { asList, readMapping } from "../../store/pointers/pointer-fields.ts";
import { parsePointerFile, renderPointerFile } from "../../store/pointers/pointer-file.ts";
import { withStageMd5 } from "../../store/pointers/stage-md5.ts";
import { listingFinder } from "../../store/transfer/listings.ts";
import type { OutputContent, Pointer } from "../../store/types.ts";
import { entryName } from "../../store/worktree/contents.ts";
import type { ConflictChoice } from "../results/types.ts";
import { withMark, withoutMark } from "./conflict-mark.ts";
import { type MergedOutput, mergeOutput } from "./merge-output.ts";

export interface PointerMerge {
  /** The pointer file, in stored form. */
  file: string;
  /** Null or empty: the sides have no common ancestor. */
  base: string | null;
  ours: string;
  theirs: string;
  /** Decides what both sides changed; everything else is merged as without it. */
  choice?: ConflictChoice | undefined;
}

export interface MergedPointer {
  /** What the file should say. A valid pointer in any case: with conflicts it is ours, and comments name both sides. */
  text: string;
  outputs: MergedOutput[];
  /** Why it is not merged; empty when it is. */
  conflicts: string[];
}

/** Throws E_POINTER when a side is no pointer, or they have not the same outputs: that is left to Git. */
export async function mergePointer(project: Project, context: Context, merge: PointerMerge): Promise<MergedPointer> {
  const { file, choice } = merge;
  const ours = readSide(merge.ours, file);
  const theirs = readSide(merge.theirs, file);
  const base = readBase(merge.base, file);
  const pairs = pairUp({ base, ours, theirs }, file);
  const cache = openCache(project);
  const folder = join(project.stateDir, "merging");
  mkdirSync(folder, { recursive: true });
  const ingest = beginIngest(cache);
  try {
    const bench = { project, context, cache, ingest, findListing: listingFinder(project, context), folder, choice };
    const outputs: MergedOutput[] = [];
    for (const sides of pairs) outputs.push(await mergeOutput(bench, sides));
    const conflicts = outputs.flatMap((output) => (output.kind === "conflict" ? [output.reason] : []));
    const contents = outputs.flatMap((output) => (output.kind === "conflict" ? [] : [output.content]));
    const text = conflicts.length > 0 ? null : mergeAround(project, { file, base, ours, theirs, contents, choice });
    if (conflicts.length === 0 && text === null) conflicts.push(`${file}: both sides changed more than the content`);
    if (text === null)
      return { text: withMark(ours.text, { file, ours: ours.outputs, theirs: theirs.outputs, reasons: conflicts }), outputs, conflicts };
    ingest.commit();
    return { text, outputs, conflicts };
  } finally {
    ingest.abort();
  }
}

interface Side {
  text: string;
  outputs: Pointer[];
}

function readSide(marked: string, file: string): Side {
  const text = withoutMark(marked);
  const outputs = parsePointerFile(text, file);
  // What an import or a stage of DVC 1 depends on would no longer say where the merged content comes from.
  const depends = asList(readMapping(text, file).deps, file, "deps").length > 0;
  return { text, outputs: depends ? outputs.map((one) => ({ ...one, isImport: true })) : outputs };
}

/** An ancestor that Git could only make with conflict markers in it is none. */
function readBase(text: string | null, file: string): Side | null {
  if (text === null || text.trim() === "") return null;
  try {
    return readSide(text, file);
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

/** One output each: the same one, whatever it is called. Several: by path. */
function pairUp({ base, ours, theirs }: { base: Side | null; ours: Side; theirs: Side }, file: string) {
  const single = [ours, theirs].every(({ outputs }) => outputs.length === 1);
  const partner = (side: Side | null, { path }: Pointer) =>
    single && side?.outputs.length === 1 ? side.outputs[0] : side?.outputs.find((one) => one.path === path);
  const pairs = ours.outputs.flatMap((mine) => {
    const other = partner(theirs, mine);
    return other === undefined ? [] : [{ base: partner(base, mine) ?? null, ours: mine, theirs: other }];
  });
  if (pairs.length === 0 || pairs.length !== ours.outputs.length || pairs.length !== theirs.outputs.length) {
    throw new ExpverError("E_POINTER", `${file}: the two sides have not the same outputs`, { details: { file } });
  }
  return pairs;
}

/** With the same content in all three texts, what is left is comments, descriptions, a new name: Git merges those. */
function mergeAround(
  project: Project,
  {
    file,
    base,
    ours,
    theirs,
    contents,
    choice,
  }: Record<"ours" | "theirs", Side> & {
    file: string;
    base: Side | null;
    contents: readonly OutputContent[];
    choice: ConflictChoice | undefined;
  },
): string | null {
  const byPath = new Map(contents.map((content, index) => [ours.outputs[index]?.path, content]));
  const filled = ({ text, outputs }: Side) =>
    outputs.reduce((done, pointer) => {
      const content = contents.length === 1 && outputs.length === 1 ? contents[0] : byPath.get(pointer.path);
      return content === undefined ? done : renderPointerFile(done, entryName(done, pointer, pointer.path), content);
    }, text);
  const sides = { base: base === null ? "" : filled(base), ours: filled(ours), theirs: filled(theirs) };
  const merged = mergeTexts(requireRepository(project), sides);
  if (merged !== null) {
    parsePointerFile(merged, file); // lines of two files may make what is none
    return withStageMd5(merged, file);
  }
  return choice === undefined ? null : withStageMd5(choice === "theirs" ? sides.theirs : sides.ours, file);
}
