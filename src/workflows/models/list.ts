/** `expver models list`: every version's, run's and candidate's model, best first. */
import type { Production } from "../../models/production.ts";
import { areCached, objectsOfModel } from "../../models/stored.ts";
import type { KnownModel } from "../../models/types.ts";
import { openCache } from "../../store/objects/cache.ts";
import type { ObjectName } from "../../store/objects/layout.ts";
import { compareMetric } from "../../versions/metrics.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { limitOf, textIn } from "../input.ts";
import { type AskedRemote, askRemote } from "./ask-remote.ts";
import { bestFirst, hasNumber, metricChoice, type RankedBy } from "./metric-choice.ts";
import { copyKey, type Survey, surveyModels } from "./survey.ts";

export interface ListedModel extends Omit<KnownModel, "date"> {
  /** ISO 8601; null when unknown. */
  date: string | null;
  /** 1 = best; null without a number. Equal values share a rank. */
  rank: number | null;
  /** Exact text of the metric ranked by. */
  value: string | null;
  /** By hash: these very bytes lie there. */
  isProduction: boolean;
  /** Its copy in the candidates folder. */
  candidate: string | null;
  /** `cache`, `candidates`, `production`, names of remotes that were asked. */
  bytesAre: string[];
}

export interface ModelList {
  by: RankedBy | null;
  models: ListedModel[];
  /** Beyond `--limit`. */
  leftOut: number;
  production: Production;
  /** Whose model lies in production, also when it is beyond the limit; null: no version's and no run's. */
  inProduction: Pick<ListedModel, "version" | "run" | "rank"> | null;
  /** In the candidates folder, belonging to no run. */
  strays: string[];
  /** Names of versions that left no model. */
  withoutModel: string[];
  /** The remote that was asked (`--cloud`). */
  remote: string | null;
}

export const modelsList: ReadWorkflow<Input, ModelList> = {
  async read(context, input) {
    const limit = limitOf(input, Number.POSITIVE_INFINITY);
    const survey = await surveyModels(context);
    const by = metricChoice(survey, textIn(input.metric));
    const { dir: cache } = openCache(survey.project);
    const objects = new Map(survey.models.map(({ hash }) => [hash, objectsOfModel(cache, hash)]));
    const remote = await askRemote(
      context,
      survey,
      input,
      [...objects.values()].flatMap((some) => some ?? []),
    );
    const models = withoutMergedCopies(survey);
    const ordered = by === null ? models : bestFirst(models, by);
    const looks = looksInto(survey, { by, remote, cache, objects });
    const listed = ranked(
      ordered.map((model) => listedOf(model, looks)),
      by,
    );
    const isThere = listed.find(({ isProduction }) => isProduction);
    const named = new Set(survey.models.map(({ version }) => version));
    return {
      by,
      models: listed.slice(0, limit),
      leftOut: Math.max(0, listed.length - limit),
      production: survey.production,
      inProduction: isThere === undefined ? null : { version: isThere.version, run: isThere.run, rank: isThere.rank },
      strays: survey.folder.strays,
      withoutModel: survey.versions.map(({ name }) => name).filter((name) => !named.has(name)),
      remote: remote?.name ?? null,
    };
  },
};

/** A merge names the models it brought together; they are those of the versions that made them. */
function withoutMergedCopies({ models, versions }: Survey): KnownModel[] {
  const merges = new Set<string | null>(versions.flatMap(({ name, message }) => (message.kind === "merge" ? [name] : [])));
  const made = new Set(models.flatMap(({ version, hash }) => (merges.has(version) ? [] : [hash])));
  return models.filter(({ version, hash }) => !merges.has(version) || !made.has(hash));
}

/** What is the same for every line. */
interface Looks {
  by: RankedBy | null;
  remote: AskedRemote | null;
  /** Hash of what lies in production. */
  inProduction: string | undefined;
  /** Paths of candidates by {@link copyKey}. */
  candidates: ReadonlyMap<string, string>;
  /** Folder of the cache. */
  cache: string;
  /** {@link objectsOfModel} by the model's hash. */
  objects: ReadonlyMap<string, ObjectName[] | null>;
}

function looksInto({ folder, production }: Survey, asked: Omit<Looks, "inProduction" | "candidates">): Looks {
  const candidates = new Map(folder.candidates.toReversed().map((one) => [copyKey(one), one.path]));
  return { ...asked, inProduction: production.there?.hash, candidates };
}

function listedOf(model: KnownModel, { by, remote, inProduction, candidates, cache, objects: all }: Looks): ListedModel {
  const isProduction = inProduction === model.hash;
  const candidate = model.commit === null ? model.path : (candidates.get(copyKey(model)) ?? null);
  const objects = all.get(model.hash) ?? null;
  return {
    ...model,
    date: model.date || null,
    rank: null,
    value: by === null ? null : (model.metrics[by.metric] ?? null),
    isProduction,
    candidate,
    bytesAre: [
      ...(areCached(cache, objects) ? ["cache"] : []),
      ...(candidate === null ? [] : ["candidates"]),
      ...(isProduction ? ["production"] : []),
      ...(objects !== null && remote?.has(objects) ? [remote.name] : []),
    ],
  };
}

function ranked(models: readonly ListedModel[], by: RankedBy | null): ListedModel[] {
  if (by === null) return [...models];
  let rank = 0;
  return models.map((model, index) => {
    if (!hasNumber(model, by.metric)) return model;
    const before = models[index - 1];
    if (before === undefined || compareMetric(before.metrics[by.metric], model.metrics[by.metric], by.direction) !== 0) rank = index + 1;
    return { ...model, rank };
  });
}
