/** A model of the branch that is better than all others, and neither in production nor among the candidates of the main worktree. */
import { storedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import type { Repository } from "../../../git/git.ts";
import { knownModels } from "../../../models/known-models.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { readListing } from "../../../store/objects/layout.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { compareMetric, directionOf, knownMetrics } from "../../../versions/metrics.ts";
import { readVersions } from "../../../versions/registry.ts";
import { type Finding, single } from "./finding.ts";
import { type Line, ownVersions } from "./history.ts";

/** Nothing where nobody has said which way is better: a guess stands in nobody's way. */
export function modelFinding(main: Project, repository: Repository, line: Line): Finding[] {
  const own = new Set(ownVersions(main, repository, line).map(({ name }) => name));
  if (own.size === 0) return [];
  const versions = readVersions(main);
  const models = knownModels(main, versions, []).filter(({ version }) => version !== null);
  const metric = Object.keys(main.config.metrics)[0] ?? [...knownMetrics(main.config, versions)][0];
  if (metric === undefined) return [];
  const { direction, source } = directionOf(metric, main.config, versions);
  if (source === "guess") return [];
  const [best] = models.toSorted((one, other) => compareMetric(one.metrics[metric], other.metrics[metric], direction));
  if (best?.version == null || !own.has(best.version) || best.metrics[metric] === undefined) return [];
  const others = models.filter(({ version }) => !own.has(version ?? ""));
  const isBetter = others.every((other) => compareMetric(best.metrics[metric], other.metrics[metric], direction) < 0);
  const isKnown = others.some(({ hash }) => hash === best.hash) || keptHashes(main).has(best.hash);
  if (!isBetter || others.length === 0 || isKnown) return [];
  return [
    single(
      "model",
      `the best model of all (${best.version}, ${metric}=${best.metrics[metric]}), which is neither in production nor a candidate`,
      `expver models promote ${best.version}, or expver models add ${best.version}`,
    ),
  ];
}

/** Of the production model and of every candidate. */
function keptHashes(main: Project): Set<string> {
  const { production, candidates } = main.config.models;
  const [there, folder] = [storedPath(main, production), storedPath(main, candidates)];
  return new Set(
    readPointers(main).flatMap(({ path, hash, hashName }) => {
      if (hash === null || (path !== there && path !== folder)) return [];
      if (path === there || !hash.endsWith(".dir")) return [hash];
      return (readListing(openCache(main).dir, { hash, hashName }) ?? []).map(({ md5 }) => md5);
    }),
  );
}
