/**
 * A sweep that ended before anybody said which way its metric is better has no best run in its tag, and so no number. Once `expver.yaml`
 * says it, the runs in the version's own database tell which was the best. Whoever shows a version's numbers shows those.
 */
import type { Project } from "../../config/project.ts";
import type { Context } from "../../platform/context.ts";
import { compareSettings } from "../../versions/best-setting.ts";
import { seedName } from "../../versions/seed-name.ts";
import type { Version } from "../../versions/types.ts";
import type { VersionGroup } from "./groups.ts";
import type { Unit } from "./units.ts";

/** With the parameters and metrics of the best run of those settings whose mean over seeds is best. */
export async function settleSweeps(project: Project, context: Context, versions: readonly Version[]): Promise<readonly Version[]> {
  const unsettled = versions.filter(isUnsettled);
  if (unsettled.length === 0) return versions;
  // SQLite is loaded only where there is such a sweep.
  const [groups, { unitsOf }] = await Promise.all([import("./groups.ts"), import("./units.ts")]);
  const listed = unsettled.map(({ name, date, message }) => ({
    ...{ version: name, date, data: message.dataHash, kind: message.kind, runs: message.runs.length },
    ...{ params: message.params, metrics: {} },
  }));
  const { units } = unitsOf(project, context, { listed, versions: unsettled });
  const unitsByVersion = new Map<string, Unit[]>();
  for (const unit of units) unitsByVersion.set(unit.version, [...(unitsByVersion.get(unit.version) ?? []), unit]);
  return versions.map((one) => {
    const best = bestOf(project, groups, unitsByVersion.get(one.name) ?? []);
    if (best === undefined) return one;
    const metrics = Object.entries(best.metrics).map(([name, value]) => ({ name, value, direction: null }));
    return { ...one, message: { ...one.message, params: { ...best.params }, metrics } };
  });
}

/** Its tag names no best run, and so no number. */
function isUnsettled({ message: { kind, runs, metrics } }: Version): boolean {
  return kind === "sweep" && runs.length > 1 && metrics.length === 0;
}

function bestOf({ config }: Project, { groupNames, groupUnits }: typeof import("./groups.ts"), units: readonly Unit[]): Unit | undefined {
  const metric = Object.keys(config.metrics).find((name) => units.some(({ metrics }) => Object.hasOwn(metrics, name)));
  const direction = metric === undefined ? undefined : config.metrics[metric];
  if (metric === undefined || direction === undefined) return undefined;
  const params = [...new Set(units.flatMap((unit) => Object.keys(unit.params)))];
  const seed = seedName(params);
  const names = groupNames(seed === undefined ? "all" : `all but ${seed}`, params);
  const sort = { by: "metric" as const, metric, direction, source: "config" as const, reversed: false };
  const groups = groupUnits(units, { names, metrics: [metric], sort, confidence: 0.95 });
  // What failed is in no tag: each was to have as many seeds as the one that has most.
  const most = Math.max(...groups.map((group) => group.metrics[metric]?.n ?? 0));
  const measured = ({ metrics }: VersionGroup) => {
    const { n = 0, mean = null } = metrics[metric] ?? {};
    return { mean: mean === null ? null : String(mean), counted: n, asked: seed === undefined ? n : most };
  };
  const [first] = groups.toSorted((one, other) => compareSettings(measured(one), measured(other), direction));
  return units.find(({ run }) => run === first?.best?.run);
}
