/** What a project calls its metrics and plots: outputs of stages, and what the `metrics:` and `plots:` of a `dvc.yaml` name beside them. */
import { posix } from "node:path";
import { isWithin } from "../config/paths.ts";
import { loadYaml } from "../config/yaml.ts";
import { fieldsOf, isMapping, itemsOf } from "../platform/mapping.ts";
import type { PipelineTexts } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";

export type Role = NonNullable<Pointer["role"]>;

/** Also of a folder in which such a file lies, and of what lies in one. */
export function hasRole(roles: readonly Role[], pipelines: readonly PipelineTexts[]): (pointer: Pointer) => boolean {
  const places = pipelines.flatMap(({ file, pipeline }) => {
    const top = fieldsOf(loadYaml(pipeline, posix.join(posix.dirname(file), "dvc.yaml")));
    const named = [...(roles.includes("metrics") ? itemsOf(top.metrics) : []), ...(roles.includes("plots") ? sourcesOf(top.plots) : [])];
    return named.filter((path) => typeof path === "string").map((path) => posix.join(posix.dirname(file), path));
  });
  return ({ role, path }) =>
    (role !== undefined && roles.includes(role)) || places.some((place) => isWithin(place, path) || isWithin(path, place));
}

/** A plot is named by its file, or says under `x` and `y` in which files its values are. */
function sourcesOf(plots: unknown): unknown[] {
  const each = isMapping(plots) ? [plots] : itemsOf(plots);
  return each.flatMap((one) => {
    if (!isMapping(one)) return [one];
    return Object.entries(one).flatMap(([name, properties]) => {
      const { x, y } = fieldsOf(properties);
      return isMapping(y) ? [...Object.keys(y), ...(isMapping(x) ? Object.keys(x) : [])] : [name];
    });
  });
}
