/** `expver data freeze`, `unfreeze`: whether what a `.dvc` file or a stage came from is looked at. One line of the file changes. */
import { basename, posix } from "node:path";
import { setYamlTyped } from "../../../config/edit-yaml.ts";
import { absolutePath, pathFromUser, shownPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { ExpverError } from "../../../errors.ts";
import { isPlainStage } from "../../../pipelines/stages.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { fieldsOf } from "../../../platform/mapping.ts";
import { someOf } from "../../../platform/words.ts";
import { withoutEntry } from "../../../store/pointers/pointer-edit.ts";
import { parsePointerFile } from "../../../store/pointers/pointer-file.ts";
import type { FileEdit } from "../../../store/types.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { wordsOf } from "../../input.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { openData } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { refused } from "../refused.ts";

interface FreezePlan extends Plan {
  edits: FileEdit[];
  targets: string[];
}

export interface FreezeResult {
  /** As typed. */
  targets: string[];
  frozen: boolean;
}

export const dataFreeze = freezing("data freeze", true);
export const dataUnfreeze = freezing("data unfreeze", false);

function freezing(command: "data freeze" | "data unfreeze", frozen: boolean): WriteWorkflow<Input, FreezePlan, FreezeResult> {
  return {
    async plan(context, input) {
      const project = openData(context);
      const targets = wordsOf(input.target);
      const texts = new Map<string, { before: string; after: string }>();
      for (const target of targets) {
        const { file, keys } = fileOf(project, context, target);
        const before = texts.get(file)?.before ?? readTextIfExists(absolutePath(project, file));
        if (before === null) throw notThere(`there is no ${shownPath(project, file)}`, target);
        // What DVC 0 called it counts as the same, and gives way to it.
        const old = withoutEntry(texts.get(file)?.after ?? before, [...keys, "locked"], file);
        const path = [...keys, "frozen"];
        const isFrozen = stateOf(old, { file, keys, target });
        const after = !frozen ? withoutEntry(old, path, file) : isFrozen ? old : setYamlTyped(old, path, "true", file);
        texts.set(file, { before, after });
      }
      const edits = [...texts]
        .filter(([, { before, after }]) => after !== before)
        .map(([file, change]): FileEdit => ({ path: absolutePath(project, file), ...change }));
      return {
        command,
        steps: targets.map((target) => ({ verb: frozen ? "freeze" : "unfreeze", target })),
        destructive: false,
        fingerprint: fingerprintOf({ edits }),
        edits,
        targets,
      };
    },

    async apply(context, { edits, targets }) {
      const project = openData(context);
      const argv = [...command.split(" "), "--", ...targets];
      const summary = `${frozen ? "freeze" : "unfreeze"} ${someOf(targets)}`;
      const work = async (operation: Parameters<typeof applyFileEdits>[1]) => applyFileEdits(project, operation, edits);
      if (edits.length > 0) await performLocked(project, context, { command, argv, summary, writes: [], work });
      return { targets, frozen };
    },
  };
}

/** A `.dvc` file; `name` of the `dvc.yaml` where the user is, `folder/dvc.yaml:name` of another. */
function fileOf(project: Project, context: Context, target: string): { file: string; keys: string[] } {
  if (target.endsWith(".dvc")) return { file: pathFromUser(project, context, target), keys: [] };
  const colon = target.lastIndexOf(":");
  const [typed, name] = [target.slice(0, Math.max(colon, 0)) || "dvc.yaml", target.slice(colon + 1)];
  if (basename(typed) !== "dvc.yaml")
    throw refused(`${typed} is neither a .dvc file nor a dvc.yaml`, `Name the file: ${posix.join(typed, "dvc.yaml")}:${name}`);
  return { file: pathFromUser(project, context, typed), keys: ["stages", name] };
}

/** Throws E_NOT_FOUND, E_POINTER, E_DATA for what has no line of its own. */
function stateOf(text: string, { file, keys, target }: { file: string; keys: readonly string[]; target: string }): boolean {
  const top = fieldsOf(loadYaml(text, file));
  const [list, name = ""] = keys;
  if (list === undefined) {
    parsePointerFile(text, file);
    return top.frozen === true;
  }
  const stages = fieldsOf(top[list]);
  const [made = ""] = name.split("@");
  const body = Object.hasOwn(stages, name) ? stages[name] : Object.hasOwn(stages, made) ? stages[made] : undefined;
  if (body === undefined) throw notThere(`${file} has no stage ${name}`, target);
  if (!isPlainStage(body)) throw refused(`${name} is made by expressions in ${file}`, `Write \`frozen: true\` there by hand.`);
  return fieldsOf(body).frozen === true;
}

function notThere(message: string, target: string): ExpverError {
  return new ExpverError("E_NOT_FOUND", message, { hint: "Name a .dvc file, or a stage.", details: { target } });
}
