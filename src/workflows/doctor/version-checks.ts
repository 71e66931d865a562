/** Versions and public commits: are their bytes where others, or anybody, can get them. */
import type { Project } from "../../config/project.ts";
import { git, type Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { lsRemoteTags, publishRemote } from "../../git/remotes.ts";
import { counted, someOf } from "../../platform/words.ts";
import { openCache } from "../../store/objects/cache.ts";
import { readPointersOf } from "../../store/pointers/pointers.ts";
import { otherRemotes, readDvcConfig } from "../../store/settings/dvc-config.ts";
import { surveyPush } from "../../store/transfer/transfer.ts";
import type { Pointer } from "../../store/types.ts";
import { isComplete } from "../../store/worktree/status.ts";
import type { Version } from "../../versions/types.ts";
import { OTHER_PREFIX, ofOtherProjects } from "../other-projects.ts";
import type { Check, Finding } from "./check.ts";
import type { Looked } from "./looked.ts";
import { PATIENCE_MS } from "./remote-checks.ts";

export const unsentObjects: Check = {
  id: "unsent-objects",
  title: "bytes that public commits and versions name",
  async find({ project, context, looked }) {
    const repository = repositoryOf(project);
    if (project === null || repository === null || readDvcConfig(project).defaultRemote === null) return [];
    const named = [...publicHead(repository), ...publicVersions(project, repository, looked)];
    const pointersOf = pointersReader(project, named);
    const { lacking } = await surveyPush(project, named.flatMap(pointersOf), context);
    if (lacking === 0) return [];
    const guilty = await those(named, async (one) => (await surveyPush(project, pointersOf(one), context)).lacking > 0);
    const what = `${listOf(guilty)} ${guilty.length === 1 ? "is" : "are"} on the Git remote, and ${counted(lacking, "object")} named there not on the data remote: nobody else can get them`;
    return [{ level: "problem", what, remedy: remedyFor(guilty) }];
  },
};

export const lostVersions: Check = {
  id: "lost-versions",
  title: "versions whose bytes are nowhere",
  async find({ project, context, looked }) {
    const repository = repositoryOf(project);
    if (project === null || repository === null) return [];
    const cache = openCache(project);
    const isHere = ({ hash, cache: isCached, isImport }: Pointer) => hash === null || !isCached || isImport;
    const versions = namedVersions(latest(looked.registry().versions));
    const pointersOf = pointersReader(project, versions);
    const absent = versions.filter((one) => pointersOf(one).some((pointer) => !isHere(pointer) && !isComplete(cache, pointer)));
    const hasRemote = readDvcConfig(project).remotes.size > 0;
    const push = (some: readonly Named[]) => surveyPush(project, some.flatMap(pointersOf), context);
    const lost = hasRemote ? await nowhere(absent, push) : absent;
    if (lost.length === 0) return [];
    const where = hasRemote ? "nor on the data remote" : "and there is no data remote";
    const what = `bytes of ${listOf(lost)} are ${hasRemote ? "neither" : "not"} in the cache ${cache.dir}, ${where}: lost here, perhaps with a worktree that was removed`;
    const others = otherRemotes(project, undefined);
    const elsewhere = others.length === 0 ? "" : `, and on ${others.join(", ")} (--remote ${others[0]})`;
    const remedy = `expver verify --quick ${lost[0]?.name} names them; look for them in other caches and clones${elsewhere}`;
    return [{ level: "warning", what, remedy }];
  },
};

export const misnamedTags: Check = {
  id: "misnamed-tags",
  title: "tags that look like versions and are none",
  find({ project, looked }) {
    if (project === null || project.repository === null) return [];
    return looked.registry().misnamed.map(
      (name): Finding => ({
        level: "note",
        what: `the tag ${name} looks like a version and is none: versions have three numbers`,
        remedy: `expver tag --suggest names the next free one; git tag ${project.config.versions.prefix}X.Y.Z ${name}^{} gives it a number`,
      }),
    );
  },
};

export const othersVersions: Check = {
  id: "others-versions",
  title: "versions of other projects under names of this one's",
  find({ project, looked }) {
    if (project === null || project.repository === null || project.repository.bare) return [];
    const { versions } = looked.registry();
    const foreign = ofOtherProjects(project, latest(versions));
    if (foreign.size === 0) return [];
    const named = namedVersions(versions.filter(({ name }) => foreign.has(name)));
    const what = `${listOf(named)} ${named.length === 1 ? "is" : "are"} of another project of this repository, and listed and ranked among this one's`;
    return [{ level: "warning", what, remedy: OTHER_PREFIX }];
  },
};

const MOST_VERSIONS = 200;

interface Named {
  /** `HEAD`, or a version. */
  name: string;
  commit: string;
}

function repositoryOf(project: Project | null): Repository | null {
  const isOurs = project !== null && project.dvcRoot !== null && project.repository !== null && !project.repository.bare;
  return isOurs ? project.repository : null;
}

function publicHead(repository: Repository): Named[] {
  const commit = resolveCommit(repository, "HEAD");
  const isPublic = commit !== null && git(repository, ["for-each-ref", "--count=1", "--contains=HEAD", "refs/remotes"]) !== "";
  return isPublic ? [{ name: "HEAD", commit }] : [];
}

/** As the Git remote says, when it answers: `git push --tags` asks nobody. */
function publicVersions(project: Project, repository: Repository, looked: Looked): Named[] {
  const remote = publishRemote(repository);
  const theirs = remote === null ? null : lsRemoteTags(repository, remote, project.config.versions.prefix, PATIENCE_MS);
  if (theirs === null) return [];
  // Of the same name can be another one.
  const versions = looked.registry().versions.filter(({ name, tagObject, commit }) => theirs.get(name) === (tagObject ?? commit));
  return namedVersions(latest(versions));
}

function latest(versions: readonly Version[]): Version[] {
  return versions.filter(({ commit }) => commit !== "").slice(-MOST_VERSIONS);
}

function namedVersions(versions: readonly Version[]): Named[] {
  return versions.map(({ name, commit }) => ({ name, commit }));
}

/** Git is asked once. */
function pointersReader(project: Project, named: readonly Named[]): (one: Named) => Pointer[] {
  const read = readPointersOf(project, [...new Set(named.map(({ commit }) => commit))], () => {});
  return ({ commit }) => read.get(commit) ?? [];
}

/** Those with bytes that neither the cache nor a remote has. A remote that does not answer has everything, for all that is known. */
async function nowhere(
  named: readonly Named[],
  push: (some: readonly Named[]) => Promise<{ missing: readonly unknown[] }>,
): Promise<Named[]> {
  const { missing } = await push(named);
  if (missing.length === 0) return [];
  return those(named, async (one) => (await push([one])).missing.length > 0);
}

async function those(named: readonly Named[], isOne: (one: Named) => Promise<boolean>): Promise<Named[]> {
  const found: Named[] = [];
  for (const one of named) if (await isOne(one)) found.push(one);
  return found;
}

function listOf(named: readonly Named[]): string {
  return someOf(
    named.map(({ name }) => name),
    5,
  );
}

function remedyFor(guilty: readonly Named[]): string {
  const versions = guilty.filter(({ name }) => name !== "HEAD").map(({ name }) => name);
  const head = versions.length < guilty.length ? "expver data push" : null;
  const others = versions.length > 0 ? `expver publish ${versions.join(" ")}` : null;
  return `${[head, others].filter((one) => one !== null).join(", and ")}: what is there already is not sent again`;
}
