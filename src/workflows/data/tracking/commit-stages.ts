/** What `commit` says of stages in their `dvc.lock` beside their outputs: what they were made of, as it is now. */

import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError } from "../../../errors.ts";
import { type StageChange, stageChanges } from "../../../pipelines/stage-changes.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { valueAt } from "../../../platform/mapping.ts";
import type { Work } from "../../../platform/pace.ts";
import { type LockedStage, renderLockedStage } from "../../../store/pointers/lock-file.ts";
import { readPipelines } from "../../../store/pointers/pointers.ts";
import { yamlScalar } from "../../../store/pointers/yaml-scalar.ts";
import type { FileEdit, OutputContent, Pointer } from "../../../store/types.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";

/** Of the stages of these outputs, those that were made of something else. Where only dvc can write down what, that is said; throws E_DATA where such a stage has made something else. */
export function* changedStages(
  project: Project,
  { report }: Pick<Context, "report">,
  { pointers, differing }: { pointers: readonly Pointer[]; differing: readonly Pointer[] },
): Work<LockedStage[]> {
  const wanted = pointers.filter(({ stage }) => stage !== undefined);
  if (wanted.length === 0) return [];
  const found: LockedStage[] = [];
  for (const change of yield* stageChanges(project, readPipelines(project, null), { wanted })) {
    const { file, stage, hasOtherCommand, params } = change.stage;
    const isOfIt = (one: Pointer) => one.file === file && one.stage === stage;
    if (!hasOtherCommand && change.deps.size + change.outs.size === 0 && !differing.some(isOfIt)) continue;
    const values = paramsNow(project, change);
    const command = hasOtherCommand ? oneLine(change.stage.command) : null;
    const isUnsure = values === null || (hasOtherCommand && command === null) || change.outs.size > 0;
    const isUnread = params.some(({ path, recorded }) => recorded === null || !/\.(?:ya?ml|json)$/.test(path));
    const isGone =
      [...change.deps.values()].includes("deleted") || change.stage.files.some(({ hash, hashName }) => hash === null || hashName !== "md5");
    if (isUnsure || isUnread || isGone) {
      const error = onlyByDvc(change.stage);
      if (differing.some(isOfIt)) throw error;
      report({ kind: "warning", text: error.message, hint: error.hint });
      continue;
    }
    const deps = new Map<string, OutputContent>();
    // Also of those with the same bytes it may be another that they may be run.
    for (const { path } of change.stage.files) deps.set(path, (yield* scanOutput(project, absolutePath(project, path))).content);
    found.push({ file, stage, deps, params: values ?? [], command });
  }
  return found;
}

function onlyByDvc({ file, stage }: StageChange["stage"]): ExpverError {
  return new ExpverError("E_DATA", `what stage ${stage} was made of is other than ${file} says, and only dvc can write down all of it`, {
    hint: `dvc commit ${stage}`,
    details: { file, stage },
  });
}

/** The edits of outputs, with what is said of stages in the same files. */
export function withStages(project: Project, edits: readonly FileEdit[], stages: readonly LockedStage[]): FileEdit[] {
  const all = new Map(edits.map((edit) => [edit.path, edit]));
  for (const stage of stages) {
    const path = absolutePath(project, stage.file);
    const before = readTextIfExists(path);
    const edit = all.get(path) ?? { path, before, after: before };
    const texts = {
      pipeline: readTextIfExists(path.replace(/lock$/, "yaml")),
      textOf: (file: string) => readTextIfExists(absolutePath(project, file)),
    };
    all.set(path, { ...edit, after: renderLockedStage(edit.after ?? "", texts, stage) });
  }
  return [...all.values()];
}

/** Null where it cannot be said as dvc would. */
function paramsNow(project: Project, { stage, deps }: StageChange): LockedStage["params"] | null {
  const found: LockedStage["params"] = [];
  for (const { path } of stage.params) {
    const changes = deps.get(path);
    if (changes === undefined) continue;
    if (typeof changes === "string") return null;
    const text = readTextIfExists(absolutePath(project, path)) ?? "";
    const [values, written] = [loadYaml(text, path), loadYaml(text, path, { exact: true })];
    for (const [name, change] of Object.entries(changes)) {
      const source = change === "modified" ? sourceOf(valueAt(values, name.split(".")), valueAt(written, name.split("."))) : null;
      if (source === null) return null;
      found.push({ path, name, source });
    }
  }
  return found;
}

/** As Python writes it; null for what it may write otherwise. */
function sourceOf(value: unknown, written: unknown): string | null {
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return oneLine(value);
  if (typeof value !== "number") return null;
  const isWhole = typeof written === "string" && /^-?\d+$/.test(written);
  if (isWhole) return Number.isSafeInteger(value) ? String(value) : null;
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e16) return null;
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Null for what would be folded. */
function oneLine(text: string | null): string | null {
  const source = text === null ? null : yamlScalar(text, 20, 6);
  return source?.includes("\n") === false && source.length < 50 ? source : null;
}
