/**
 * A sweep that ended before anybody said which way its metric is better has no best run in its tag, and so no number. Once `expver.yaml`
 * says it, the runs in the version's own database tell which was the best.
 */
import type { Project } from "../../config/project.ts";
import type { Context } from "../../platform/context.ts";
import { seedName } from "../../versions/seed-name.ts";
import type { Version } from "../../versions/types.ts";
import { groupNames, groupUnits } from "./groups.ts";
import { isUnsettled, type ListedVersion } from "./listed.ts";
import { type Unit, unitsOf } from "./units.ts";

/** With the parameters and metrics of the best run of those settings whose mean over seeds is best. */
export function settleSweeps(
  project: Project,
  context: Context,
  { listed, versions }: { listed: readonly ListedVersion[]; versions: readonly Version[] },
): ListedVersion[] {
  const { units } = unitsOf(project, context, { listed: listed.filter(isUnsettled), versions });
  const unitsByVersion = new Map<string, Unit[]>();
  for (const unit of units) unitsByVersion.set(unit.version, [...(unitsByVersion.get(unit.version) ?? []), unit]);
  return listed.map((one) => {
    const best = bestOf(project, unitsByVersion.get(one.version) ?? []);
    return best === undefined ? one : { ...one, params: { ...best.params }, metrics: { ...best.metrics } };
  });
}

function bestOf({ config }: Project, units: readonly Unit[]): Unit | undefined {
  const metric = Object.keys(config.metrics).find((name) => units.some(({ metrics }) => Object.hasOwn(metrics, name)));
  const direction = metric === undefined ? undefined : config.metrics[metric];
  if (metric === undefined || direction === undefined) return undefined;
  const params = [...new Set(units.flatMap((unit) => Object.keys(unit.params)))];
  const seed = seedName(params);
  const names = groupNames(seed === undefined ? "all" : `all but ${seed}`, params);
  const sort = { by: "metric" as const, metric, direction, source: "config" as const, reversed: false };
  const [first] = groupUnits(units, { names, metrics: [metric], sort, confidence: 0.95 });
  return units.find(({ run }) => run === first?.best?.run);
}
