/** Which model a person means, and where its bytes come from. */
import { posix } from "node:path";
import { modelPlaces } from "../../config/model-places.ts";
import { nearestWord } from "../../config/nearest.ts";
import { storedPath } from "../../config/paths.ts";
import { ExpverError } from "../../errors.ts";
import { resolveCommit } from "../../git/refs.ts";
import { readTree } from "../../git/tree.ts";
import { ownerOf } from "../../models/candidates.ts";
import { historicCandidate } from "../../models/historic-candidate.ts";
import { productionHistory, promotedAmong } from "../../models/production-history.ts";
import { isCached } from "../../models/stored.ts";
import type { KnownModel } from "../../models/types.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { openCache } from "../../store/objects/cache.ts";
import { isPointerFile, trackedOf } from "../../store/pointers/pointers.ts";
import type { Source } from "../../store/sources/source.ts";
import type { Version } from "../../versions/types.ts";
import { copyKey, type Survey } from "./survey.ts";

/**
 * A version, `VERSION#RUN`, a run or the beginning of its id, a candidate by its file name or path, or the word `production`; `path` where
 * there are several. Throws E_NOT_FOUND, E_USAGE.
 */
export async function pickModel(survey: Survey, name: string, path?: string): Promise<KnownModel> {
  const { versions, models, project } = survey;
  const [ofVersion = "", ofRun] = name.includes("#") ? name.split("#", 2) : [name];
  const version = versions.find((one) => [ofVersion, project.config.versions.prefix + ofVersion].includes(one.name));
  if (version !== undefined && ofRun === undefined) {
    const own = models.filter((model) => model.version === version.name && model.commit !== null);
    if (own.length > 0) return onlyModel(survey, own, { name, path });
    throw leftNone(survey, version);
  }
  // A candidate's file may have a `#` in its name.
  const odd = version === undefined && ofRun !== undefined ? await candidateMeant(survey, name) : null;
  if (odd !== null) return odd;
  if (ofRun !== undefined && !version?.message.runs.some(({ run }) => run === ofRun)) throw unknownName(survey, name);
  const run = runMeant(survey, ofRun ?? name);
  if (run === null && name === PRODUCTION) return inProduction(survey);
  if (run === null) {
    const candidate = await candidateMeant(survey, name);
    if (candidate === null) throw unknownName(survey, name);
    return candidate;
  }
  const own = models.filter((model) => model.run === run);
  const stored = own.filter(({ commit }) => commit !== null);
  const isThere = own.some((model) => path === undefined || isCalled(model, path));
  const gone = isThere ? null : await historicCandidate(project, run, path);
  if (gone !== null) return { ...gone, version: version?.name ?? null, run, date: "", metrics: survey.metricsOf(run) };
  if (own.length > 0) return onlyModel(survey, stored.length > 0 && path === undefined ? stored : own, { name: run, path });
  throw new ExpverError("E_NOT_FOUND", `run ${run} left no model, and none of its candidates is known here`, {
    hint: "`expver models list` shows which runs did.",
    details: { run },
  });
}

/** What Git has of a version in the models folder are files like others: no pointer of theirs could go into production. */
function leftNone({ project, repository }: Survey, { name, commit }: Version): ExpverError {
  const files = commit === "" ? [] : readTree(repository, commit, modelPlaces(project)).map(({ path }) => path);
  const inGit = files.filter((path) => !isPointerFile(path) && posix.basename(path) !== ".gitignore");
  const [first] = inGit;
  if (first === undefined)
    return new ExpverError("E_NOT_FOUND", `${name} left no model`, {
      hint: "`expver models list` shows which did.",
      details: { version: name },
    });
  const others = inGit.length > 1 ? ` and ${inGit.length - 1} more` : "";
  return new ExpverError("E_NOT_FOUND", `${name} left no model that is tracked as data: Git has ${first}${others}`, {
    hint: `As it was: expver get ${name} ${shellWord(first)}. For models of later runs: git rm --cached ${shellWord(first)}, and commit.`,
    details: { version: name, inGit },
  });
}

const PRODUCTION = "production";

/** What was promoted, whatever lies there by now. */
function inProduction({ project, versions, models, production, repository }: Survey): KnownModel {
  const { path, recorded, state } = production;
  if (recorded === null) {
    const isThere = state === "untracked" ? ": nobody promoted what lies there" : "";
    throw new ExpverError("E_NOT_FOUND", `nothing is in production (${path})${isThere}`, { details: { path } });
  }
  const same = models.filter(({ hash }) => hash === recorded.hash);
  const known = promotedAmong(same, productionHistory(project, path, versions));
  const commit = resolveCommit(repository, "HEAD");
  return known ?? { ...recorded, version: null, run: null, path, commit, date: "", metrics: {} };
}

/** `RUN_NAME`, in the candidates folder or in its history; null when it is no such name. */
async function candidateMeant(survey: Survey, name: string): Promise<KnownModel | null> {
  const { project, folder, models, runs } = survey;
  const item = name.startsWith(`${folder.path}/`) ? name.slice(folder.path.length + 1) : name;
  const there = folder.candidates.find(({ path }) => path === `${folder.path}/${item}`);
  const own = there && models.find((model) => copyKey(model) === copyKey(there));
  // Of one that was changed since it was stored only its history knows.
  if (own !== undefined) return own;
  const run = ownerOf(item, (id) => runs.has(id));
  const gone = run === null ? null : await historicCandidate(project, run, item);
  return gone === null || run === null ? null : { ...gone, version: null, run, date: "", metrics: survey.metricsOf(run) };
}

/** Null when no run, or more than one, begins like that. */
export function runMeant({ runs, folder }: Pick<Survey, "runs" | "folder">, asked: string): string | null {
  const all = [...new Set([...runs, ...folder.candidates.map(({ run }) => run)])];
  if (all.includes(asked)) return asked;
  const found = all.filter((run) => asked !== "" && run.startsWith(asked));
  return found.length === 1 ? (found[0] ?? null) : null;
}

/** Its pointer's commit; the file in the candidates folder where no commit names it, or the cache has lost what one names. */
export function sourceOf({ project, folder }: Survey, model: KnownModel): { source: Source; path: string } {
  const { commit, path, hash } = model;
  const copy = commit === null || isCached(openCache(project).dir, hash) ? undefined : folder.candidates.find((one) => one.hash === hash);
  const from = copy === undefined ? commit : null;
  const tracked = from === null ? { pointers: [], pipelines: () => [] } : trackedOf(project, from);
  return { source: { project, commit: from, base: "", ...tracked, close: () => {} }, path: copy?.path ?? path };
}

/** The configured output before others. Throws E_USAGE, E_NOT_FOUND. */
export function onlyModel(
  { project }: Survey,
  models: readonly KnownModel[],
  { name, path }: { name: string; path: string | undefined },
): KnownModel {
  const output = storedPath(project, project.config.models.output);
  const asked = path === undefined ? models : models.filter((model) => isCalled(model, path));
  const [first] = asked;
  // A version may have been tagged once more under another name: that is one model.
  const isOne = asked.every((model) => model.path === first?.path && model.hash === first.hash);
  const found = isOne ? first : asked.find((model) => path === undefined && model.path === output);
  if (found !== undefined) return found;
  const paths = models.map((model) => model.path);
  const what = path === undefined ? "has several models" : `has no model ${path}`;
  throw new ExpverError(path === undefined ? "E_USAGE" : "E_NOT_FOUND", `${name} ${what}: ${paths.join(", ")}`, {
    hint: `Name one: --path ${shellWord(paths[0] ?? "")}`,
    details: { name, paths },
  });
}

function isCalled(model: KnownModel, path: string): boolean {
  return model.path === path || model.path.endsWith(`/${path}`);
}

export function unknownName({ versions, runs }: Survey, name: string): ExpverError {
  const near = nearestWord(name, [...versions.map((version) => version.name), ...runs]);
  return new ExpverError(
    "E_NOT_FOUND",
    `there is no version or run ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`,
    {
      hint: "`expver models list` shows versions and runs with their models.",
      details: { asked: name, nearest: near ?? null },
    },
  );
}
