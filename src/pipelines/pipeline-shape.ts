/** Whether a `dvc.yaml` is one: dvc takes none of a file that says anything else. */
import { asFields, badPointer, type Fields, refuseUnknown } from "../store/pointers/pointer-fields.ts";

const LISTS = ["plots", "vars", "params", "metrics"];
const TOP = new Set([...LISTS, "stages", "artifacts", "datasets"]);
const STAGE_LISTS = ["deps", "params", "vars", "outs", "metrics", "plots"];
const STAGE = new Set([...STAGE_LISTS, "cmd", "wdir", "frozen", "meta", "desc", "always_changed", "matrix"]);
const EACH = new Set(["foreach", "do"]);

/** Throws E_POINTER. */
export function refuseNoPipeline(value: unknown, file: string): void {
  // An empty file has no stages.
  if (value === null || value === undefined) return;
  const top = asFields(value, file, "the file");
  refuseUnknown(top, TOP, file);
  refuseNoLists(top, LISTS, file, "");
  if (!Object.hasOwn(top, "stages")) return;
  for (const [name, body] of Object.entries(asFields(top.stages, file, "stages"))) {
    const fields = asFields(body, file, `stage ${name}`);
    const isEach = Object.keys(fields).some((key) => EACH.has(key));
    if (isEach) refuseUnknown(fields, EACH, file);
    refuseNoStage(isEach ? asFields(fields.do, file, `do of ${name}`) : fields, name, file);
  }
}

function refuseNoStage(fields: Fields, name: string, file: string): void {
  refuseUnknown(fields, STAGE, file);
  if (typeof fields.cmd !== "string" && !Array.isArray(fields.cmd)) throw badPointer(file, `stage ${name}`, "has no cmd");
  refuseNoLists(fields, STAGE_LISTS, file, ` of ${name}`);
}

function refuseNoLists(fields: Fields, names: readonly string[], file: string, where: string): void {
  const wrong = names.find((name) => Object.hasOwn(fields, name) && !Array.isArray(fields[name]));
  if (wrong !== undefined) throw badPointer(file, wrong + where, "is no list");
}
