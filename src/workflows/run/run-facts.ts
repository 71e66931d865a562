/**
 * What is known of a run on this machine: one folder per run with its log and one small file that is replaced whole.
 * It is what a later command finds when the one that watched the run is gone.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "../../config/project.ts";
import { ExpverError, fromSystemError } from "../../errors.ts";
import type { IndexEntry } from "../../git/index-file.ts";
import type { Context } from "../../platform/context.ts";
import { hasCode, namesIn, readTextIfExists, removePath, writeFileAtomic } from "../../platform/files.ts";
import type { ProcessIdentity } from "../../platform/processes.ts";
import { runName } from "../../platform/run-name.ts";
import type { RunStatus } from "../../results/types.ts";
import type { Pointer } from "../../store/types.ts";
import type { ArtifactEntry } from "../../versions/types.ts";
import type { Marks } from "./outputs/marks.ts";
import type { HeldBack } from "./snapshot/snapshot-selection.ts";

export interface RunFacts {
  run_id: string;
  /** Who watches it: an `expver run` in front of the user, or a detached one. */
  owner: ProcessIdentity;
  /** Top of the worktree it runs in. */
  worktree: string;
  /** `preparing`: the program has not been started. `closing`: it has ended, outputs are being stored. `closed`: all is written. */
  phase: "preparing" | "running" | "closing" | "closed";
  /** As far as known; `running` until the program's end has been seen. */
  status: RunStatus;
  /** Fit to be shown: secrets hidden. */
  command: string;
  message: string | null;
  params: Record<string, string>;
  /** Reserved while the run goes on, its version once it has one. */
  version: string | null;
  startedAt: string;
  endedAt: string | null;
  exitCode: number | null;
  signal: string | null;
  /** Why it has failed though its program ended well; absent when it has not. */
  problem?: string;
  /** Where the branch stood; `branch` null: detached, `commit` null: no commit yet. */
  head: { branch: string | null; commit: string | null };
  /** Snapshot commit S; null while it is not made. */
  snapshot: string | null;
  /** Results commit R. */
  results: string | null;
  dirty: boolean;
  dvcHash: string | null;
  /** As the run read them. */
  inputs: Pointer[];
  /** Pointer files of inputs that had changed, written in the worktree once the run has done well. */
  inputEdits: { path: string; before: string | null; after: string }[];
  /** Results database, stored path. */
  database: string;
  /** Files that R puts in place of those of S: pointers, ignore files, declared outputs. Set once their bytes are stored. */
  outputs: OutputFile[];
  /** Models among the outputs, as the tag names them. */
  models: ArtifactEntry[];
  changedDuringRun: string[];
  /** Absent: none, or nobody has looked. */
  left?: LeftFiles | null;
  closing: ClosingFacts;
  /** Why it did not start or was not versioned. */
  error: { code: string; message: string; hint: string; details: Record<string, unknown> } | null;
}

/** Files that a run wrote and no version has. */
export interface LeftFiles {
  files: number;
  bytes: number;
  /** The first of them, from the Git root. */
  paths: string[];
  /** Of those that are called like a model the one written last, or the folder that it fills; absent: there is none. */
  model?: string;
  /** Absolute, where they have been moved; null: they are where they were written. */
  folder: string | null;
}

/** What closing a run needs to know of its beginning, whichever process closes it. */
interface ClosingFacts {
  /** Names of parameters given on the command line. */
  given: string[];
  /** Stored path or glob of the metrics file, and the marks of what it names before the start; absent in runs that began before it was a glob. */
  metrics: string | null;
  metricsMarks?: Record<string, string>;
  /** The mark of the `params:` file; absent in runs that began before it was looked at. */
  paramsMark?: string;
  /** It differed from HEAD at the start, or was new there. */
  paramsChanged?: boolean;
  /** Nobody asked for that file, a stage of `dvc.yaml` names it, as Git's or as DVC's; null or absent: it was asked for, or there is none. */
  metricsOfStage?: "git" | "dvc" | null;
  commit: boolean;
  publish: boolean;
  allowHistoryChange: boolean;
  /** The message is not a person's, but what was found to differ. */
  proposed?: boolean;
  /** The program is `dvc repro` or the like. */
  pipeline: boolean;
  /** As `scriptOf` says; absent of an older run. */
  script?: string;
  pointers: Pointer[];
  /** The results database was there before the start. */
  databaseExisted: boolean;
  heldBack: HeldBack[];
  /** Before the start; null while preparing. */
  marks: Marks | null;
  /** At the program's end; null when nobody saw it. */
  marksAtEnd: Marks | null;
  /** Rows of a database that the program removed or made unreadable; absent when it did not. */
  rowsLost?: number;
  /** Index entries before the start. */
  staged: [path: string, entry: IndexEntry][];
}

/** One file of R. */
export interface OutputFile {
  /** Stored path of the file in Git: a pointer, an ignore file, an output that Git tracks itself. */
  path: string;
  mode: string;
  /** Blob; the text it has in R. */
  object: string;
  /** What the worktree's file must still be to be replaced; undefined: it is not ours to write. */
  edit?: { before: string | null; after: string };
}

function runsDir(project: Pick<Place, "stateDir">): string {
  return join(project.stateDir, "runs");
}

export function runFolder(project: Pick<Place, "stateDir">, runId: string): string {
  return join(runsDir(project), runId);
}

/** Makes the folder of a new run under a name nobody has. */
export function createRunFolder(project: Pick<Place, "stateDir">, context: Context, wanted?: string): { runId: string; folder: string } {
  try {
    mkdirSync(runsDir(project), { recursive: true });
    if (wanted !== undefined) {
      mkdirSync(runFolder(project, wanted), { recursive: true });
      return { runId: wanted, folder: runFolder(project, wanted) };
    }
    for (;;) {
      const runId = runName(context.random);
      if (makeNew(runFolder(project, runId))) return { runId, folder: runFolder(project, runId) };
    }
  } catch (error) {
    throw fromSystemError(error, "cannot make the folder of a run");
  }
}

/** False when it is there already. */
function makeNew(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

export function removeRunFolder(project: Pick<Place, "stateDir">, runId: string): void {
  removePath(runFolder(project, runId));
}

export function writeFacts(project: Pick<Place, "stateDir">, facts: RunFacts): void {
  writeFileAtomic(factsFile(project, facts.run_id), JSON.stringify(facts, null, 1));
}

export function readFacts(project: Pick<Place, "stateDir">, runId: string): RunFacts | null {
  if (runId === "" || runId.includes("/") || runId.startsWith(".")) return null;
  const text = readTextIfExists(factsFile(project, runId));
  return text === null ? null : (JSON.parse(text) as RunFacts);
}

/** Why a run that somebody waits for did not begin. */
export function writeRefusal(project: Pick<Place, "stateDir">, runId: string, error: unknown): void {
  mkdirSync(runFolder(project, runId), { recursive: true });
  writeFileAtomic(refusalFile(project, runId), JSON.stringify(errorFacts(error)));
}

export function readRefusal(project: Pick<Place, "stateDir">, runId: string): RunFacts["error"] {
  const text = readTextIfExists(refusalFile(project, runId));
  return text === null ? null : (JSON.parse(text) as RunFacts["error"]);
}

/** Every run this machine knows, the latest first. */
export function listFacts(project: Pick<Place, "stateDir">): RunFacts[] {
  const all = folderNames(project).flatMap((name) => readFacts(project, name) ?? []);
  return all.sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1));
}

/** What an error says, fit for a file. */
export function errorFacts(error: unknown): NonNullable<RunFacts["error"]> {
  if (error instanceof ExpverError) return { code: error.code, message: error.message, hint: error.hint, details: error.details };
  return { code: "E_BUG", message: error instanceof Error ? error.message : String(error), hint: "", details: {} };
}

function folderNames(project: Pick<Place, "stateDir">): string[] {
  return namesIn(runsDir(project)).filter((name) => !name.startsWith("."));
}

function refusalFile(project: Pick<Place, "stateDir">, runId: string): string {
  return join(runFolder(project, runId), "refused.json");
}

function factsFile(project: Pick<Place, "stateDir">, runId: string): string {
  return join(runFolder(project, runId), "run.json");
}
