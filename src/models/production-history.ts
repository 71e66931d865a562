/** What was in production when: the history of its pointer, and what commits say that put something there. */
import { type Project, requireRepository } from "../config/project.ts";
import { gitResult, type Repository } from "../git/git.ts";
import { cutsOf } from "../git/history.ts";
import { catFilesIfThere } from "../git/tree.ts";
import type { Version } from "../versions/types.ts";
import { pointerIn } from "./pointer-in.ts";
import type { KnownModel, Tenure } from "./types.ts";

interface MessageFacts {
  /** What is in production from here on; null: nothing. */
  model: { version: string | null; run: string | null; hash: string; size: number } | null;
  /** Path of the production model. */
  path: string;
  /** Hash of what was there, where this takes it back. */
  demoted?: string;
}

/** Of a commit that promotes or demotes and does nothing else. */
export function productionMessage({ subject, ...facts }: MessageFacts & { subject: string }): string {
  return `${subject}\n\n${productionTrailers(facts)}`;
}

/** Lines at the end of a commit's message. */
export function productionTrailers({ model, path, demoted }: MessageFacts): string {
  const lines = [
    ...(model?.version == null ? [] : [`Version: ${model.version}`]),
    ...(model?.run == null ? [] : [`Run: ${model.run}`]),
    ...(model === null ? [] : [`Model: ${model.hash} ${model.size} ${path}`]),
    ...(demoted === undefined ? [] : [`Demoted: ${demoted}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const TRAILERS = ["Version", "Run", "Model", "Demoted"];
const FIELDS = ["%H", "%P", "%cI", "%an <%ae>", ...TRAILERS.map((key) => `%(trailers:key=${key},valueonly,separator=%x20)`)];

/** The latest first, by whatever command or hand its pointer was changed. On this line: a merge counts when it was merged. */
export function productionHistory(project: Project, path: string, versions: readonly Version[]): Tenure[] {
  const repository = requireRepository(project);
  const file = `${path}.dvc`;
  const records = recordsOf(repository, ["--first-parent", "HEAD"], file);
  const texts = catFilesIfThere(
    repository,
    records.map(({ commit }) => `${commit}:${file}`),
  );
  const all = records.map((record) => {
    const text = texts.get(`${record.commit}:${file}`)?.toString("utf8");
    return { record, tenure: tenureOf(record, text === undefined ? undefined : pointerIn(text, { file, path })) };
  });
  return all
    .filter(({ tenure: { hash } }, index) => hash !== (all[index + 1]?.tenure.hash ?? null))
    .map(({ record, tenure }) => (record.isMerge && tenure.how === "unsaid" ? asOnItsBranch(repository, tenure, file) : tenure))
    .map((tenure) => ({ ...tenure, version: versionNow(tenure, versions) }));
}

/** A version that another clone had published first has got another number since: whose a run is, its tag says. */
function versionNow({ version: said, run }: Tenure, versions: readonly Version[]): string | null {
  const owner = (name?: string) =>
    versions.find(({ name: one, message: { runs } }) => (name === undefined || one === name) && runs.some((entry) => entry.run === run));
  if (said === null || run === null || owner(said) !== undefined) return said;
  const isOthers = versions.some(({ name, message: { runs } }) => name === said && runs.length > 0);
  return owner()?.name ?? (isOthers ? null : said);
}

/** A merge says nothing itself: which of the versions with these bytes it was, the commit says that promoted it on the branch. */
function asOnItsBranch(repository: Repository, tenure: Tenure, file: string): Tenure {
  const { commit, hash, size } = tenure;
  const records = hash === null ? [] : recordsOf(repository, ["--no-merges", `${commit}^1..${commit}`], file);
  const said = records.map((record) => tenureOf(record, { hash, size })).find(({ version, run }) => version !== null || run !== null);
  return said === undefined ? tenure : { ...tenure, version: said.version, run: said.run };
}

/** What a commit says. */
interface CommitRecord {
  commit: string;
  isMerge: boolean;
  date: string;
  by: string;
  version: string;
  run: string;
  model: string;
  demoted: string;
}

/** Of commits that changed the file, the latest first; none where there is no commit yet. */
function recordsOf(repository: Repository, which: readonly string[], file: string): CommitRecord[] {
  const format = `--format=${FIELDS.join("%x1f")}%x1e`;
  const args = ["log", "--no-show-signature", format, ...which, "--", `:(top,literal)${file}`];
  const { code, stdout } = gitResult(repository, args, { allow: [128] });
  if (code !== 0) return [];
  return stdout
    .toString("utf8")
    .split("\x1e")
    .map((record) => record.trim().split("\x1f"))
    .filter(([commit]) => commit !== "")
    .map(([commit = "", parents = "", date = "", by = "", version = "", run = "", model = "", demoted = ""]) => {
      return { commit, isMerge: parents.includes(" "), date, by, version, run, model, demoted };
    });
}

function tenureOf({ commit, date, by, version, run, model, demoted }: CommitRecord, pointer: PointedAt | undefined): Tenure {
  const hash = pointer?.hash ?? null;
  const isSaid = hash !== null && model.startsWith(`${hash} `);
  return {
    ...{ commit, date, by, hash, size: pointer?.size ?? null },
    version: isSaid && version !== "" ? version : null,
    // A results commit says before what the commit is of.
    run: isSaid ? run.split(" ").at(-1) || null : null,
    how: demoted !== "" ? "demoted" : isSaid ? "promoted" : "unsaid",
  };
}

interface PointedAt {
  hash: string | null;
  size?: number | null | undefined;
}

/** A shallow clone ends with the oldest of them: since when that was so, by whom, and what was there before, is not known here. */
export function isCutOff(project: Project, history: readonly Tenure[]): boolean {
  const oldest = history.at(-1);
  return oldest !== undefined && cutsOf(requireRepository(project)).has(oldest.commit);
}

/** What was in production before what is there now, as promotions put one over the other and demotions took it off again. */
export function predecessorOf(history: readonly Tenure[], now: string | null): Held | null {
  const pile: Held[] = [];
  for (const tenure of history.toReversed()) {
    if (tenure.how === "demoted") pile.pop();
    if (isHeld(tenure) && tenure.hash !== pile.at(-1)?.hash) pile.push(tenure);
  }
  return pile.findLast(({ hash }) => hash !== now) ?? null;
}

/** The model a commit put into production: these bytes, and the version and run where it says them. */
export function isModelOf(
  { hash, version, run }: Pick<Tenure, "hash" | "version" | "run">,
  model: Pick<KnownModel, "hash" | "version" | "run">,
): boolean {
  return model.hash === hash && (version === null || model.version === version) && (run === null || model.run === run);
}

/** Of models with the same bytes the one that was put into production last; the first where that is not said of any. */
export function promotedAmong(same: readonly KnownModel[], [last]: readonly Tenure[]): KnownModel | undefined {
  return same.find((model) => last !== undefined && isModelOf(last, model)) ?? same[0];
}

/** Of a time in which something was in production. */
type Held = Tenure & { hash: string };

export function isHeld(tenure: Tenure): tenure is Held {
  return tenure.hash !== null;
}
