/**
 * A version that is to be published, with data on a remote that keeps files by version: which version each file is there must stand in the
 * commit that is tagged. So the bytes are sent before it is made.
 */
import { absolutePath } from "../../../config/paths.ts";
import { ExpverError } from "../../../errors.ts";
import { writeTreeWith } from "../../../git/index-file.ts";
import { catFiles, readTree } from "../../../git/tree.ts";
import type { Context } from "../../../platform/context.ts";
import { renderFiles } from "../../../store/pointers/pointer-versions.ts";
import { readPointersAt } from "../../../store/pointers/pointers.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import { isPushable } from "../../../store/transfer/by-remote.ts";
import type { PushedOutput } from "../../../store/transfer/push-versions.ts";
import { pushObjects } from "../../../store/transfer/transfer.ts";
import type { Pointer } from "../../../store/types.ts";
import type { ClosingRun } from "../open-run.ts";
import { editedFiles } from "../outputs/results-files.ts";

/** Makes the pointers of R name versions. What cannot be sent stays unnamed: the version is made, and publishing says why it is not public. */
export async function nameVersions(context: Context, run: ClosingRun, base: string | null = run.facts().snapshot): Promise<void> {
  const { project, repository, facts } = run;
  const tree = writeTreeWith(repository, base, facts().outputs);
  const pointers = readPointersAt(project, tree).filter((pointer) => isPushable(pointer) && isKeptByVersion(run, pointer));
  if (pointers.length === 0) return;
  const pushed: PushedOutput[] = [];
  try {
    const { failed } = await pushObjects(project, pointers, context, { record: (some) => void pushed.push(...some) });
    for (const { path, reason } of failed) context.report({ kind: "warning", text: `failed to push ${path}: ${reason}` });
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    context.report({ kind: "warning", text: `data could not be pushed before the version was made: ${error.message}`, hint: error.hint });
  }
  if (pushed.length > 0) writeDown(run, tree, pushed);
}

function isKeptByVersion({ project }: ClosingRun, { remote }: Pointer): boolean {
  try {
    return openRemote(project, remote).versions !== null;
  } catch (error) {
    if (error instanceof ExpverError) return false; // publishing says so
    throw error;
  }
}

function writeDown({ project, repository, facts, save }: ClosingRun, tree: string, pushed: readonly PushedOutput[]): void {
  const files = [...new Set(pushed.map(({ pointer }) => pointer.file))];
  const entries = readTree(repository, tree, files);
  const blobs = catFiles(
    repository,
    entries.map(({ object }) => object),
  );
  const { outputs, inputEdits, snapshot } = facts();
  const edits = entries.map(({ path, object }) => {
    const inR = blobs.get(object)?.toString("utf8") ?? "";
    const after = pushed
      .filter(({ pointer }) => pointer.file === path)
      .reduce(
        (text, { pointer, files: named }) => renderFiles(text, { file: path, stage: pointer.stage, path: pointer.path, files: named }),
        inR,
      );
    // The worktree may still have what the run or its snapshot was to bring along.
    const known = outputs.find((one) => one.path === path)?.edit ?? inputEdits.find((one) => one.path === path);
    return { path, before: known === undefined ? inR : known.before, after };
  });
  const named = new Set(edits.map(({ path }) => path));
  const made = editedFiles(
    { project, repository, snapshot },
    edits.map(({ path, ...edit }) => ({ ...edit, path: absolutePath(project, path) })),
  );
  save({ outputs: [...outputs.filter(({ path }) => !named.has(path)), ...made] });
}
