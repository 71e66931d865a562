/** What was in production when: the history of its pointer, and what commits say that put something there. */
import { type Project, requireRepository } from "../config/project.ts";
import { gitResult } from "../git/git.ts";
import { catFilesIfThere } from "../git/tree.ts";
import type { Pointer } from "../store/types.ts";
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
const FIELDS = ["%H", "%cI", "%an <%ae>", ...TRAILERS.map((key) => `%(trailers:key=${key},valueonly,separator=%x20)`)];

/** The latest first, by whatever command or hand its pointer was changed. On this line: a merge counts when it was merged. */
export function productionHistory(project: Project, path: string): Tenure[] {
  const repository = requireRepository(project);
  const file = `${path}.dvc`;
  const format = `--format=${FIELDS.join("%x1f")}%x1e`;
  const args = ["log", "--no-show-signature", "--first-parent", format, "HEAD", "--", `:(top,literal)${file}`];
  const { code, stdout } = gitResult(repository, args, { allow: [128] });
  if (code !== 0) return []; // no commit yet
  const records = stdout
    .toString("utf8")
    .split("\x1e")
    .map((record) => record.trim().split("\x1f"))
    .filter(([commit]) => commit !== "");
  const texts = catFilesIfThere(
    repository,
    records.map(([commit]) => `${commit}:${file}`),
  );
  const tenures = records.map((record) => {
    const text = texts.get(`${record[0]}:${file}`)?.toString("utf8");
    return tenureOf(record, text === undefined ? undefined : pointerIn(text, { file, path }));
  });
  return tenures.filter(({ hash }, index) => hash !== (tenures[index + 1]?.hash ?? null));
}

function tenureOf(record: readonly string[], pointer: Pointer | undefined): Tenure {
  const [commit = "", date = "", by = "", version = "", run = "", model = "", demoted = ""] = record;
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

/** Of a time in which something was in production. */
type Held = Tenure & { hash: string };

export function isHeld(tenure: Tenure): tenure is Held {
  return tenure.hash !== null;
}
