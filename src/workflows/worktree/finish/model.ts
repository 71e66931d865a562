/** The model an experiment brings: that of its best version, as a candidate or in production. */
import { modelPlaces } from "../../../config/model-places.ts";
import { isUnder, storedPath } from "../../../config/paths.ts";
import { runOf } from "../../../models/known-models.ts";
import { readPointersAt } from "../../../store/pointers/pointers.ts";
import type { Version } from "../../../versions/types.ts";
import { modelsAdd } from "../../models/add.ts";
import { modelsPromote } from "../../models/promote.ts";
import type { Choices } from "./choices.ts";
import { bestVersion, type Scene } from "./scene.ts";

export interface KeptModel {
  version: Version;
  as: "production" | "candidate";
}

/** The model of the best version, when a run left one. */
export function modelOf({ main, versions }: Pick<Scene, "main" | "versions">, { models }: Pick<Choices, "models">): KeptModel | null {
  if (models === "none") return null;
  const places = modelPlaces(main.project);
  const withModel = versions.filter(
    (version) => runOf(version) !== null && version.message.models.some(({ path }) => isUnder(path, places)),
  );
  const version = bestVersion({ main, versions: withModel });
  return version === null ? null : { version, as: models === "promote" ? "production" : "candidate" };
}

/** Null: there is none to keep, or it has been kept. */
export async function keepModel(scene: Scene, choices: Choices): Promise<{ path: string; as: KeptModel["as"] } | null> {
  const model = scene.merged === null ? modelOf(scene, choices) : null;
  if (model === null) return null;
  const { context } = scene.main;
  const { name } = model.version;
  if (model.as === "production") {
    const { path } = await modelsPromote.apply(context, await modelsPromote.plan(context, { version: name }));
    return { path, as: "production" };
  }
  const { path } = await modelsAdd.apply(context, await modelsAdd.plan(context, { model: name }));
  return { path, as: "candidate" };
}

/** Whether the model of a version is in production in the version on main. */
export function wasPromoted({ main: { project } }: Scene, { message }: Version, { commit }: Version): boolean {
  const production = storedPath(project, project.config.models.production);
  const there = readPointersAt(project, commit).find(({ path }) => path === production);
  return message.models.some(({ hash }) => hash === there?.hash);
}
