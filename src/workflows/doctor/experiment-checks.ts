/** What the skill's troubleshooting list speaks of beyond set-up: production, pipelines, parallel writers, bytes nobody else can get. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolutePath, storedPath } from "../../config/paths.ts";
import { topOf } from "../../config/project.ts";
import { loadYaml } from "../../config/yaml.ts";
import { git } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { readingProduction } from "../../models/production.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { whoHasOpen } from "../../platform/open-files.ts";
import { finishWork } from "../../platform/pace.ts";
import { openResults } from "../../results/database.ts";
import { cacheDir, readDvcConfig } from "../../store/dvc-config.ts";
import { objectPath } from "../../store/layout.ts";
import { readPointersAt, readPointersOf } from "../../store/pointers.ts";
import { surveyPush } from "../../store/transfer.ts";
import { readRegistry } from "../../versions/registry.ts";
import type { Check, Finding, Scene } from "./check.ts";

export const productionModel: Check = {
  id: "production-model",
  title: "the model in production",
  find({ project }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    const { path, state } = finishWork(readingProduction(project));
    const remedies: Record<string, string> = {
      missing: `expver data checkout ${path}`,
      changed: `expver models promote VERSION; to bring back what was promoted: expver data checkout --force ${path}`,
      untracked: `expver models promote VERSION, or expver data add ${path}`,
      uncommitted: `git commit ${path}.dvc`,
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

export const keptByPipeline: Check = {
  id: "pipeline-persist",
  title: "results databases that a pipeline would delete",
  find({ place, project }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    const database = storedPath(project, project.config.results.database);
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
        return Object.entries(stages).flatMap(([stage, { outs = [] }]): Finding[] => {
          const lost = [outs].flat().some((out) => {
            const [path, options] = typeof out === "string" ? [out, {}] : (Object.entries(out ?? {})[0] ?? ["", {}]);
            return join(dirname(file), path) === database && (options as { persist?: boolean } | null)?.persist !== true;
          });
          if (!lost) return [];
          const what = `stage ${stage} of ${file} has ${database} as an output without \`persist: true\`: dvc deletes all earlier results before it runs`;
          return [{ level: "problem", what, remedy: `In ${file}: outs: [ { ${database}: { persist: true } } ]` }];
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
    const db = openResults(path, { readonly: true });
    try {
      const said = db.arrays("PRAGMA quick_check(1)").map(([text]) => String(text));
      if (said[0] === "ok") return [];
      const what = `${path} is damaged: ${said[0]}`;
      return [
        { level: "problem", what, remedy: `The last stored one: expver data checkout --force ${path} (the damaged one goes to the trash)` },
      ];
    } finally {
      db.close();
    }
  },
};

export const unsentObjects: Check = {
  id: "unsent-objects",
  title: "bytes that public commits name",
  async find({ project, context }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    if (readDvcConfig(project).defaultRemote === null || resolveCommit(project.repository, "HEAD") === null) return [];
    const isPublic = git(project.repository, ["for-each-ref", "--count=1", "--contains=HEAD", "refs/remotes"]) !== "";
    if (!isPublic) return [];
    const { lacking, missing } = await surveyPush(project, readPointersAt(project, "HEAD"), context);
    if (lacking + missing.length === 0) return [];
    const what = `HEAD is on the Git remote, and ${lacking + missing.length} objects it names are not on the data remote: nobody else can get them`;
    return [{ level: "problem", what, remedy: "expver data push: what is there already is not sent again" }];
  },
};

export const lostVersions: Check = {
  id: "lost-versions",
  title: "versions whose bytes are nowhere here",
  find({ project }) {
    if (project === null || project.dvcRoot === null || project.repository === null || project.repository.bare) return [];
    if (readDvcConfig(project).remotes.size > 0) return [];
    const { versions } = readRegistry(project);
    const cache = cacheDir(project);
    const latest = versions.filter(({ commit }) => commit !== "").slice(-MOST_VERSIONS);
    const pointers = readPointersOf(project, [...new Set(latest.map(({ commit }) => commit))], () => {});
    const lost = latest.filter(({ commit }) =>
      (pointers.get(commit) ?? []).some(
        ({ hash, hashName, cache: isCached }) => hash !== null && isCached && !existsSync(objectPath(cache, { hash, hashName })),
      ),
    );
    if (lost.length === 0) return [];
    const names = lost.map(({ name }) => name).join(", ");
    const what = `bytes of ${names} are not in the cache ${cache}, and there is no data remote: lost here, perhaps with a worktree that was removed`;
    return [
      { level: "warning", what, remedy: `expver verify --quick ${lost[0]?.name} names them; look for them in other caches and clones` },
    ];
  },
};

export const misnamedTags: Check = {
  id: "misnamed-tags",
  title: "tags that look like versions and are none",
  find({ project }) {
    if (project === null || project.repository === null) return [];
    return readRegistry(project).misnamed.map(
      (name): Finding => ({
        level: "note",
        what: `the tag ${name} looks like a version and is none: versions have three numbers`,
        remedy: `expver tag --suggest names the next free one; git tag ${project.config.versions.prefix}X.Y.Z ${name}^{} gives it a number`,
      }),
    );
  },
};

const MOST_VERSIONS = 200;

function databaseOf({ project }: Scene): string | null {
  if (project === null || project.repository?.bare) return null;
  return absolutePath(project, storedPath(project, project.config.results.database));
}

function stagesOf(path: string, file: string): Record<string, { outs?: unknown[] }> {
  const text = readTextIfExists(path);
  const stages = text === null ? null : (loadYaml(text, file) as { stages?: unknown } | null)?.stages;
  if (typeof stages !== "object" || stages === null) return {};
  return Object.fromEntries(Object.entries(stages).filter(([, stage]) => typeof stage === "object" && stage !== null)) as Record<
    string,
    { outs?: unknown[] }
  >;
}
