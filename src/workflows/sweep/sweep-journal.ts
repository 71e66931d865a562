/**
 * What is known of a sweep: one append-only file, each line on the disk before the sweep goes on. Any later command, on this or
 * another terminal, reads from it what has been done and what is missing.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { hasCode, isMissing, readTextIfExists, writeFileAtomic } from "../../platform/files.ts";
import { appendLines, createLines, readLines } from "../../platform/json-lines.ts";
import type { ProcessIdentity } from "../../platform/processes.ts";
import { runName } from "../../platform/run-name.ts";
import type { ArtifactEntry } from "../../versions/types.ts";
import type { Ending } from "../run/program/execute.ts";
import type { RunFacts } from "../run/run-facts.ts";
import type { SweepRequest } from "./request.ts";

export interface SweepBegin {
  id: string;
  /** Top of the worktree it belongs to, and the folder in it the command was typed in. */
  worktree: string;
  folder: string;
  /** ISO 8601. */
  since: string;
  /** Fit to be shown; the command itself has to be typed again when secrets were hidden in it. */
  argv: string[];
  hidden: boolean;
  /** What each job sets, in order. */
  jobs: Record<string, string>[];
  /** The version it is to become: a level, or a name. */
  wanted: string;
  request: Pick<SweepRequest, "message" | "metrics" | "params" | "paramsFile" | "repeat" | "ending">;
}

/** Why a run ended otherwise than by itself. */
export type Cause = "time limit" | "stopped" | "lost" | "metrics file";

export interface RunEnd extends Ending {
  cause: Cause | null;
  /** What is wrong with what it left; absent when nothing is. */
  problem?: string;
  seconds: number;
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** What it left in models places and `track`, stored in the cache. */
  artifacts: ArtifactEntry[];
  /** How many other files it left; they lie in its folder. */
  left?: number;
}

export interface Attempt {
  job: number;
  run: string;
  /** Number of the workspace it runs in. */
  slot: number;
  /** Null: it runs, or nobody has closed it yet. */
  end: RunEnd | null;
}

/** What became of the whole: nothing more will happen to it. */
export interface SweepResult {
  version: string | null;
  results: string;
  best: string | null;
}

/** What may follow the first line. */
export type SweepLine =
  /** Whoever works on it from now on. */
  | { owner: ProcessIdentity }
  | { start: Omit<Attempt, "end"> }
  /** It never started. */
  | { dropped: string }
  | { end: RunEnd & { run: string } }
  | { result: SweepResult };

type Line = { begin: SweepBegin } | SweepLine;

export interface Sweep extends SweepBegin {
  owner: ProcessIdentity | null;
  attempts: Attempt[];
  result: SweepResult | null;
}

export function sweepFolder(place: Pick<Place, "stateDir">, id: string): string {
  return join(place.stateDir, "sweeps", id);
}

/** Makes the folder of a new sweep under a name nobody has. */
export function createSweepFolder(place: Pick<Place, "stateDir">, context: Context): { id: string; folder: string } {
  mkdirSync(join(place.stateDir, "sweeps"), { recursive: true });
  for (;;) {
    const id = `sweep-${runName(context.random)}`;
    const folder = sweepFolder(place, id);
    try {
      mkdirSync(folder);
      return { id, folder };
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
}

export function beginSweep(place: Pick<Place, "stateDir">, begin: SweepBegin): void {
  createLines(journalOf(place, begin.id), [{ begin } satisfies Line]);
}

/**
 * For the one process that works on it: what it writes also goes into what it knows, so that nothing is read again however many
 * runs there are. Throws E_NOT_FOUND when it never began.
 */
export function openJournal(place: Pick<Place, "stateDir">, id: string): { sweep: Sweep; write: (line: SweepLine) => void } {
  const sweep = readSweep(place, id);
  if (sweep === null) throw new ExpverError("E_NOT_FOUND", `${id} never began`, { hint: "Begin a new sweep." });
  return {
    sweep,
    write: (line) => {
      appendLines(journalOf(place, id), [line]);
      apply(sweep, line);
    },
  };
}

/** Null when there is none, or it never began. */
export function readSweep(place: Pick<Place, "stateDir">, id: string): Sweep | null {
  let sweep: Sweep | null = null;
  for (const line of readLines<Line>(journalOf(place, id))) {
    if ("begin" in line) sweep ??= { ...line.begin, owner: null, attempts: [], result: null };
    else if (sweep !== null) apply(sweep, line);
  }
  return sweep;
}

/** The latest first. */
export function listSweeps(place: Pick<Place, "stateDir">): Sweep[] {
  try {
    const all = readdirSync(join(place.stateDir, "sweeps")).flatMap((id) => readSweep(place, id) ?? []);
    return all.sort((one, other) => (one.since < other.since ? 1 : -1));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** By its id, or the beginning of it with or without `sweep-`; without one the latest. Throws E_NOT_FOUND. */
export function findSweep(place: Pick<Place, "stateDir">, asked: string | undefined): Sweep {
  const all = listSweeps(place);
  const found = asked === undefined ? all.slice(0, 1) : all.filter(({ id }) => id.startsWith(asked) || id.startsWith(`sweep-${asked}`));
  const exact = found.find(({ id }) => id === asked) ?? (found.length === 1 ? found[0] : undefined);
  if (exact !== undefined) return exact;
  const known = all.slice(0, 5).map(({ id }) => id);
  const what =
    asked === undefined ? "there is no sweep yet" : `${found.length > 1 ? "several sweeps begin" : "no sweep begins"} with ${asked}`;
  throw new ExpverError("E_NOT_FOUND", known.length === 0 || asked === undefined ? what : `${what}; the latest are ${known.join(", ")}`, {
    hint: "`expver sweep list` shows them all.",
    details: { asked: asked ?? null, known },
  });
}

/** What all its runs share: where it started from, what they read. */
export function writeSweepFacts(place: Pick<Place, "stateDir">, id: string, facts: RunFacts): void {
  writeFileAtomic(factsFile(place, id), JSON.stringify(facts, null, 1));
}

export function readSweepFacts(place: Pick<Place, "stateDir">, id: string): RunFacts | null {
  const text = readTextIfExists(factsFile(place, id));
  return text === null ? null : (JSON.parse(text) as RunFacts);
}

/** What a line speaks of began a short while ago: it is looked for from the end. */
function apply(sweep: Sweep, line: SweepLine): void {
  if ("owner" in line) sweep.owner = line.owner;
  else if ("start" in line) sweep.attempts.push({ ...line.start, end: null });
  else if ("dropped" in line) {
    const at = sweep.attempts.findLastIndex(({ run }) => run === line.dropped);
    if (at >= 0) sweep.attempts.splice(at, 1);
  } else if ("end" in line) {
    const { run, ...end } = line.end;
    const attempt = sweep.attempts.findLast((one) => one.run === run);
    if (attempt !== undefined) attempt.end = end;
  } else sweep.result = line.result;
}

function journalOf(place: Pick<Place, "stateDir">, id: string): string {
  return join(sweepFolder(place, id), "sweep.jsonl");
}

function factsFile(place: Pick<Place, "stateDir">, id: string): string {
  return join(sweepFolder(place, id), "facts.json");
}
