/** Is everything there that expver needs: git's identity, .dvc, a readable configuration, the helpers it starts. */

import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { guessDirection } from "../../config/metric-direction.ts";
import { CONFIG_FILE, configText, type Project, readConfig, topOf } from "../../config/project.ts";
import { stringSource } from "../../config/yaml-text.ts";
import { ExpverError } from "../../errors.ts";
import { gitResult } from "../../git/git.ts";
import { committer } from "../../git/identity.ts";
import { unfinished } from "../../git/status.ts";
import { makerOf } from "../../merge/beside.ts";
import { isTemporaryName } from "../../platform/files.ts";
import { runProcess } from "../../platform/processes.ts";
import { metricNames, metricsOf } from "../../versions/metrics.ts";
import { isTaken } from "../data/sources/deliver.ts";
import { sparseRemedy } from "../without-dvc.ts";
import type { Check, Finding, Scene } from "./check.ts";
import type { Looked } from "./looked.ts";
import { configTexts } from "./store-checks.ts";

export const gitIdentity: Check = {
  id: "git-identity",
  title: "who commits",
  find({ place }) {
    if (place.repository === null) return [];
    const { repository } = place;
    return mistakesOf(() => committer(repository));
  },
};

export const noDvc: Check = {
  id: "no-dvc",
  title: "the .dvc folder",
  find({ place }) {
    if (place.dvcRoot === null) {
      return place.repository?.bare
        ? []
        : [
            {
              level: "warning",
              what: `no .dvc folder at or above ${place.root}: no data can be tracked`,
              remedy: sparseRemedy(place) ?? "expver init",
            },
          ];
    }
    if (place.repository === null) return [];
    const ignored =
      gitResult(place.repository, ["check-ignore", "--quiet", "--", join(place.dvcRoot, ".dvc")], { allow: [1, 128] }).code === 0;
    return ignored
      ? [
          {
            level: "problem",
            what: ".dvc is ignored by Git: dvc refuses to work, clones get no configuration",
            remedy: "Remove the rule: git check-ignore -v .dvc",
          },
        ]
      : [];
  },
};

export const configMistakes: Check = {
  id: "config",
  title: "the configuration",
  find({ place, project, looked }) {
    const findings: Finding[] = [];
    if (project === null) findings.push(...mistakesOf(() => readConfig(place)));
    if (project !== null) findings.push(...mistakesOf(() => configTexts(project)));
    if (project !== null && configText(place) === null && !place.repository?.bare) {
      findings.push({ level: "note", what: `no ${CONFIG_FILE}: the defaults hold`, remedy: "expver init" });
    }
    if (project !== null && Object.keys(project.config.metrics).length === 0) {
      const what = "no metric has a direction: `expver list` has to guess which version is best";
      const metrics = guessedMetrics(project, looked);
      const example = metrics.length === 0 ? "NAME: max" : metrics.join(", ");
      findings.push({
        level: "note",
        what,
        remedy: `Write it into ${CONFIG_FILE}, max or min, the most important first: metrics: { ${example} }`,
      });
    }
    return findings;
  },
};

/** Of the project's versions: those whose names tell a direction, else the first. */
function guessedMetrics({ config, repository }: Project, looked: Looked): string[] {
  if (repository === null) return [];
  const { versions } = looked.registry();
  const known = metricNames(config, versions);
  const names = [...new Set(versions.toReversed().flatMap(({ message }) => Object.keys(metricsOf(message, known))))];
  const telling = names.filter((name) => guessDirection(name) !== undefined);
  return (telling.length > 0 ? telling.slice(0, 3) : names.slice(0, 1)).map(
    (name) => `${stringSource(name)}: ${guessDirection(name) ?? "max"}`,
  );
}

export const unfinishedGit: Check = {
  id: "unfinished-git",
  title: "an unfinished merge or rebase",
  find({ place }) {
    if (place.repository === null) return [];
    const { repository } = place;
    const what = unfinished(repository);
    if (what === null) return [];
    const remedy = `git ${what} --continue, or git ${what} --abort`;
    return [{ level: "warning", what: `git ${what} is unfinished: commands that commit refuse until it ends`, remedy }];
  },
};

export const helpers: Check = {
  id: "helpers",
  title: "the programs and libraries expver starts",
  async find() {
    const { requireSqlite } = await import("../../platform/sqlite.ts");
    const findings = mistakesOf(requireSqlite);
    if (!starts("flock", ["--version"]) && !starts("perl", ["-e", "1"])) {
      findings.push({
        level: "problem",
        what: "neither flock(1) nor perl is installed: DVC's lock cannot be taken, commands that write data fail",
        remedy: "Install util-linux (flock) or perl.",
      });
    }
    return findings;
  },
};

export const leftovers: Check = {
  id: "leftovers",
  title: "temporary files of killed commands",
  find({ place, context }) {
    const old = context.clock().getTime() - OLD_MS;
    return temporaries(place.repository?.bare ? [] : [topOf(place), place.stateDir]).flatMap((path) => {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined || stat.mtimeMs > old) return [];
      return [
        {
          level: "warning",
          what: `${path} is what a killed command was writing`,
          remedy: "expver doctor --fix",
          fix: `move ${path} to the trash`,
          subject: path,
        },
      ];
    });
  },
  async fix({ place }: Scene, { subject = "" }: Finding) {
    const { moveToTrash } = await import("../../journal/trash.ts");
    return `${subject} is now ${moveToTrash(place, subject)}`;
  },
};

/** A command that still writes has touched its temporary file a moment ago. */
const OLD_MS = 10 * 60_000;
const MOST_ENTRIES = 20_000;

/** What is on its way to a name, in the folders of pointers and of our state; bounded. */
function temporaries(roots: string[]): string[] {
  const found: string[] = [];
  let seen = 0;
  const folders = [...roots];
  for (let folder = folders.shift(); folder !== undefined && seen < MOST_ENTRIES; folder = folders.shift()) {
    for (const entry of entriesOf(folder)) {
      seen += 1;
      const path = join(folder, entry.name);
      if (isTemporaryName(entry.name)) {
        if (!isInUse(path, entry)) found.push(path);
        continue;
      }
      const isOurs = !["node_modules", ".venv", "venv", ".git", "cache", "trash"].includes(entry.name);
      if (entry.isDirectory() && isOurs && !statSync(join(path, ".git"), { throwIfNoEntry: false })) folders.push(path);
    }
  }
  return found;
}

/** A merge may write for longer than any file of it is young; so may a download. */
function isInUse(path: string, entry: Dirent): boolean {
  const maker = makerOf(path);
  return maker === null ? entry.isDirectory() && isTaken(path) : maker === "alive";
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // not ours to read, or gone meanwhile
  }
}

function mistakesOf(read: () => unknown): Finding[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return [{ level: "problem", what: error.message, remedy: error.hint }];
  }
}

function starts(program: string, args: string[]): boolean {
  try {
    return runProcess(program, args, { cwd: "/" }).code === 0;
  } catch {
    return false;
  }
}
