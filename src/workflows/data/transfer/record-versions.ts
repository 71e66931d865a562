/** After a push to a remote that keeps versions: the pointers say which version each file is there. */
import { absolutePath, typedPath } from "../../../config/paths.ts";
import { type Project, topOf } from "../../../config/project.ts";
import { perform } from "../../../journal/perform.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { counted } from "../../../platform/words.ts";
import { renderFiles } from "../../../store/pointers/pointer-versions.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import type { PushedOutput } from "../../../store/transfer/push-versions.ts";
import type { FileEdit, Pointer } from "../../../store/types.ts";
import { applyFileEdits } from "../../plan.ts";

/** Answers the pointer files that say something new. */
export async function recordVersions(project: Project, context: Context, pushed: readonly PushedOutput[]): Promise<string[]> {
  const edits = editsOf(project, context, pushed);
  if (edits.length === 0) return [];
  await perform(project, context, {
    command: "data push",
    argv: ["data", "push"],
    summary: `write down the versions of ${counted(pushed.length, "output")}`,
    work: (operation) => applyFileEdits(project, operation, edits),
  });
  const files = edits.map(({ path }) => path.slice(topOf(project).length + 1));
  if (project.repository === null) return files;
  const named =
    files.length <= MOST_NAMED ? files.map((file) => typedPath(project, file)).join(" ") : counted(files.length, "pointer file");
  context.report({ kind: "step", text: `the versions there are written down, now to be committed: ${named}` });
  return files;
}

const MOST_NAMED = 3;

function editsOf(project: Project, context: Context, pushed: readonly PushedOutput[]): FileEdit[] {
  if (pushed.length === 0) return [];
  const now = new Map(readPointers(project).map((pointer) => [nameOf(pointer), pointer.hash]));
  const edits = new Map<string, FileEdit>();
  for (const { pointer, files } of pushed) {
    const { file, stage, path } = pointer;
    if (now.get(nameOf(pointer)) !== pointer.hash) {
      context.report({
        kind: "warning",
        text: `${file} was changed while ${path} was pushed: its version is not written down`,
        hint: "Push again.",
      });
      continue;
    }
    const at = absolutePath(project, file);
    const before = readTextIfExists(at);
    const edit = edits.get(file) ?? { path: at, before, after: before };
    edits.set(file, { ...edit, after: renderFiles(edit.after ?? "", { file, stage, path, files }) });
  }
  return [...edits.values()];
}

function nameOf({ file, stage, path }: Pointer): string {
  return `${file}\0${stage ?? ""}\0${path}`;
}
