/** What the skill's troubleshooting list speaks of beyond set-up: models, pipelines, the results database. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolutePath, storedPath, typedPath } from "../../config/paths.ts";
import { topOf } from "../../config/project.ts";
import { resultsDatabase, resultsPath } from "../../config/results-place.ts";
import { loadYaml } from "../../config/yaml.ts";
import { failedWith } from "../../errors.ts";
import { git } from "../../git/git.ts";
import { readingProduction } from "../../models/production.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { firstBytes } from "../../platform/hashing.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import { finishWork } from "../../platform/pace.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { someOf } from "../../platform/words.ts";
import { openResults } from "../../results/database.ts";
import { readListing } from "../../store/objects/layout.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { surveyModels } from "../models/survey.ts";
import type { Check, Finding, Scene } from "./check.ts";

export const productionModel: Check = {
  id: "production-model",
  title: "the model in production",
  find({ project }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    const { path, state } = finishWork(readingProduction(project));
    const typed = typedPath(project, path);
    const remedies: Record<string, string> = {
      missing: `expver data checkout ${typed}`,
      changed: `expver models promote VERSION; to bring back what was promoted: expver data checkout --force ${typed}`,
      untracked: `expver models promote VERSION, or expver data add ${typed}`,
      uncommitted: `git commit ${typedPath(project, `${path}.dvc`)}`,
    };
    const what: Record<string, string> = {
      missing: "its pointer is there, its bytes are not",
      changed: "what lies there is not what its pointer says",
      untracked: "nothing tracks it, so no version of it can come back",
      uncommitted: "its pointer is not committed",
    };
    return remedies[state] === undefined ? [] : [{ level: "warning", what: `${path}: ${what[state]}`, remedy: remedies[state] }];
  },
};

export const candidateModels: Check = {
  id: "candidate-models",
  title: "the candidate models",
  async find({ project, context, looked }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    const path = storedPath(project, project.config.models.candidates);
    const absolute = absolutePath(project, path);
    if (!existsSync(absolute)) return [];
    const stored = looked.tracked().pointers.find((pointer) => pointer.path === path);
    const listed = stored?.hash?.endsWith(".dir")
      ? (readListing(cacheDir(project), { hash: stored.hash, hashName: stored.hashName }) ?? [])
      : [];
    const absent = listed.filter(({ relpath }) => !existsSync(join(absolute, relpath))).map(({ relpath }) => relpath);
    const { strays } = (await surveyModels(context)).folder;
    return [
      ...(absent.length === 0
        ? []
        : [
            {
              level: "warning" as const,
              what: `${path} lacks what its pointer names: ${someOf(absent)}`,
              remedy: `expver data checkout ${typedPath(project, path)}`,
            },
          ]),
      ...(strays.length === 0
        ? []
        : [
            {
              level: "note" as const,
              what: `${someOf(strays)} belongs to no run: promote, list and prune do not know it`,
              remedy: "A candidate is called RUN_NAME, as `expver models add RUN` makes it; rename it, or move it elsewhere.",
            },
          ]),
    ];
  },
};

export const keptByPipeline: Check = {
  id: "pipeline-persist",
  title: "results databases that a pipeline would delete",
  find({ place, project }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    const database = resultsPath(project);
    const files = git(project.repository, [
      "ls-files",
      "-z",
      "--cached",
      "--others",
      "--exclude-standard",
      "--",
      "dvc.yaml",
      "**/dvc.yaml",
    ]);
    return files
      .split("\0")
      .filter(Boolean)
      .flatMap((file) => {
        const stages = stagesOf(join(topOf(place), file), file);
        return Object.entries(stages).flatMap(([stage, { outs = [], wdir = "." }]): Finding[] => {
          const [lost] = [outs].flat().flatMap((out) => {
            const [path, options] = typeof out === "string" ? [out, {}] : (Object.entries(out ?? {})[0] ?? ["", {}]);
            const isLost =
              join(dirname(file), String(wdir), path) === database && (options as { persist?: boolean } | null)?.persist !== true;
            return isLost ? [path] : [];
          });
          if (lost === undefined) return [];
          const what = `stage ${stage} of ${file} has ${database} as an output without \`persist: true\`: dvc deletes all earlier results before it runs`;
          return [{ level: "problem", what, remedy: `In ${file}: outs: [ { ${lost}: { persist: true } } ]` }];
        });
      });
  },
};

export const parallelWriters: Check = {
  id: "parallel-writers",
  title: "programs that have the results database open",
  find(scene) {
    const path = databaseOf(scene);
    const pids = path === null ? [] : (whoHasOpen(path) ?? []);
    if (path === null || pids.length < 2) return [];
    const what = `processes ${pids.join(", ")} have ${path} open: SQLite lets one of them write at a time ("database is locked")`;
    return [{ level: "note", what, remedy: "Give each its own database and merge them (expver merge), or let expver sweep do that." }];
  },
};

export const damagedDatabase: Check = {
  id: "database-damage",
  title: "whether the results database can be read",
  find(scene) {
    const path = databaseOf(scene);
    if (path === null || !existsSync(path)) return [];
    const said = damageOf(path);
    if (said === null) return [];
    return [{ level: "problem", what: `${path} ${said}`, remedy: remedyFor(path) }];
  },
};

/** Null: it can be read. Throws what is no damage: somebody writes it, or it may not be read. */
function damageOf(path: string): string | null {
  try {
    const db = openResults(path, { readonly: true });
    try {
      const [text] = db.arrays("PRAGMA quick_check(1)").map(([first]) => String(first));
      return text === "ok" ? null : `is damaged: ${text}`;
    } finally {
      db.close();
    }
  } catch (error) {
    if (!failedWith(error, "E_DATABASE")) throw error;
    return isDuckDb(path) ? "is a DuckDB file: results are kept in SQLite, as xetrack's both engines do" : `is damaged: ${error.message}`;
  }
}

function remedyFor(path: string): string {
  const back = `expver data checkout --force ${shellWord(path)}`;
  if (isDuckDb(path))
    return `Name another file in the program that wrote it; the last stored results come back with ${back} (this file goes to the trash)`;
  return `The last stored one: ${back} (the damaged one goes to the trash)`;
}

function isDuckDb(path: string): boolean {
  return firstBytes(path, 12).toString("latin1", 8) === "DUCK";
}

/** Null: there can be none. */
export function databaseOf({ project }: Scene): string | null {
  return project === null || project.repository?.bare ? null : resultsDatabase(project);
}

interface StageText {
  outs?: unknown[];
  wdir?: unknown;
}

function stagesOf(path: string, file: string): Record<string, StageText> {
  const text = readTextIfExists(path);
  const stages = text === null ? null : (loadYaml(text, file) as { stages?: unknown } | null)?.stages;
  if (typeof stages !== "object" || stages === null) return {};
  return Object.fromEntries(Object.entries(stages).filter(([, stage]) => typeof stage === "object" && stage !== null)) as Record<
    string,
    StageText
  >;
}
