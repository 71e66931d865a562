/** Which candidates stay in the folder whatever else is true of them, and why. */
import { existsSync } from "node:fs";
import { absolutePath } from "../../config/paths.ts";
import { bestFirst, hasNumber, type RankedBy } from "./metric-choice.ts";
import { type Survey, versionsByRun } from "./survey.ts";

type Standing = Pick<Survey, "project" | "folder" | "production" | "metricsOf" | "versions">;

/** By path; what is not in it may go. By run: its best is not the best of its rows, and its files stay or go together. */
export function reasonsToStay(
  { project, folder, production, metricsOf, versions }: Standing,
  by: RankedBy,
  keep: number,
): Map<string, string> {
  const versionOf = versionsByRun(versions);
  const runs = [...new Set(folder.candidates.map(({ run }) => run))].map((run) => {
    return { run, path: run, metrics: metricsOf(run), date: versionOf.get(run)?.committed ?? "" };
  });
  const ranked = bestFirst(
    runs.filter((run) => hasNumber(run, by.metric)),
    by,
  );
  const places = new Map(ranked.map(({ run }, index) => [run, index]));
  const inProduction = new Set([production.there?.hash, production.recorded?.hash]);
  return new Map(
    folder.candidates.flatMap(({ run, path, hash }): [string, string][] => {
      const place = places.get(run);
      if (inProduction.has(hash)) return [[path, "in production"]];
      if (place === undefined) return [[path, `its ${by.metric} is not known`]];
      if (place === 0) return [[path, "the best"]];
      if (place < keep) return [[path, `among the best ${keep}`]];
      return existsSync(`${absolutePath(project, path)}.dvc`) ? [[path, "has a pointer of its own: expver data remove"]] : [];
    }),
  );
}
