/** The model in production: what its pointer says, what lies there, and which commit put it there. */
import { absolutePath, storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { gitResult } from "../git/git.ts";
import { resolveCommit } from "../git/refs.ts";
import type { Work } from "../platform/pace.ts";
import { pointerBeside, readPointersAt } from "../store/pointers.ts";
import { scanOutput } from "../store/scan.ts";
import { isHere } from "../store/status.ts";
import type { Promotion } from "./types.ts";

/**
 * `none`: nothing lies there and nothing is recorded. `untracked`: something lies there that no pointer speaks of. `missing`: its
 * bytes are not in the worktree. `changed`: what lies there is not what was promoted. `uncommitted`: HEAD has another pointer.
 */
type ProductionState = "none" | "right" | "untracked" | "missing" | "changed" | "uncommitted";

export interface Production {
  /** From the top, with `/`. */
  path: string;
  state: ProductionState;
  /** By the pointer. */
  recorded: { hash: string; size: number | null } | null;
  /** What lies there. */
  there: { hash: string; size: number } | null;
}

export function* readingProduction(project: Project): Work<Production> {
  const path = storedPath(project, project.config.models.production);
  const pointer = pointerBeside(project, path);
  const recorded = pointer?.hash ? { hash: pointer.hash, size: pointer.size ?? null } : null;
  const absolute = absolutePath(project, path);
  const there = isHere(absolute) ? (yield* scanOutput(project, absolute, { hashName: pointer?.hashName ?? "md5" })).content : null;
  const head = resolveCommit(requireRepository(project), "HEAD");
  const committed = (head === null ? [] : readPointersAt(project, head)).find((one) => one.path === path)?.hash ?? null;
  return { path, state: stateOf(recorded?.hash, there?.hash, committed), recorded, there };
}

function stateOf(recorded: string | undefined, there: string | undefined, committed: string | null): ProductionState {
  if (recorded === undefined) return there === undefined ? "none" : "untracked";
  if (there === undefined) return "missing";
  if (there !== recorded) return "changed";
  return committed === recorded ? "right" : "uncommitted";
}

/** What a promotion's commit says. */
export function promotionMessage(subject: string, { version, run, hash, size, path }: PromotionFacts): string {
  const lines = [
    ...(version === null ? [] : [`Version: ${version}`]),
    ...(run === null ? [] : [`Run: ${run}`]),
    `Model: ${hash} ${size} ${path}`,
  ];
  return `${subject}\n\n${lines.join("\n")}\n`;
}

interface PromotionFacts {
  version: string | null;
  run: string | null;
  hash: string;
  size: number;
  path: string;
}

const FIELDS = ["%H", "%cI", "%an <%ae>", ...["Version", "Run", "Model"].map((key) => `%(trailers:key=${key},valueonly,separator=%x20)`)];

/** Promotions in the history of HEAD, the latest first. */
export function promotions(project: Project, path: string, limit: number): Promotion[] {
  const repository = requireRepository(project);
  const format = `--format=${FIELDS.join("%x1f")}%x1e`;
  const args = ["log", "--no-show-signature", format, "--grep=^Model: ", "-n", String(limit), "HEAD", "--", `:(top,literal)${path}.dvc`];
  const { code, stdout } = gitResult(repository, args, { allow: [128] });
  if (code !== 0) return []; // no commit yet
  return stdout
    .toString("utf8")
    .split("\x1e")
    .flatMap((record): Promotion[] => {
      const [commit = "", date = "", by = "", version = "", run = "", model = ""] = record.trim().split("\x1f");
      const hash = /^([0-9a-f]{32}(?:\.dir)?) \d+ /.exec(model)?.[1];
      return hash === undefined ? [] : [{ commit, date, by, version: version || null, run: run || null, hash }];
    });
}
