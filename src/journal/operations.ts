/** The journal: what each writing command did, written down before it was done. */
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fromTop } from "../config/paths.ts";
import { type Place, topOf } from "../config/project.ts";
import { hideSecretArguments } from "../config/secrets.ts";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { isMissing, namesIn } from "../platform/files.ts";
import { appendLines, createLines } from "../platform/json-lines.ts";
import { identityOf, lifeOf, type ProcessIdentity } from "../platform/processes.ts";
import { homeOf, relocated } from "./moved.ts";
import { type Line, readRecord } from "./record-file.ts";
import type { Effect, Operation, OperationState } from "./types.ts";

export interface OpenOperation {
  readonly id: string;
  /** Effects recorded so far, oldest first: read when they are asked for, since they may tell of a million files. */
  readonly effects: readonly Effect[];
  /** Writes effects down, on the disk, **before** the caller makes them. */
  record(...effects: Effect[]): void;
  /** A fact recovery needs; the last value of a key wins. */
  note(key: string, value: unknown): void;
  finish(): void;
  /** Ended without success. What was done stays: take it back first where that is wanted (`takeBack`). */
  fail(error: unknown): void;
}

export interface OperationStart {
  command: string;
  /** Values of secret-looking options are hidden before it is written. */
  argv: string[];
  /** One line for `expver ops`. */
  summary: string;
  /** Facts recovery needs from the first moment. */
  notes?: Record<string, unknown>;
  /** The process it lives and dies with, default this one. */
  owner?: ProcessIdentity;
}

/** Open ones are told by their name, so that looking for crashes reads no finished ones. */
const OPEN = ".open.jsonl";
const CLOSED = ".jsonl";

/** Begins an operation: from here on a crash is repaired by the next writing command. */
export function beginOperation(project: Place, context: Context, start: OperationStart): OpenOperation {
  const { command, argv, summary, notes = {}, owner = identityOf(process.pid) } = start;
  const startedAt = context.clock().toISOString();
  const begin = {
    command,
    argv: hideSecretArguments(argv),
    summary,
    startedAt,
    worktree: topOf(project),
    folder: fromTop(project, project.root),
    home: homeOf(project),
    owner,
    notes,
  };
  const id = createWithFreeId(project, context, begin);
  const file = join(operationsDir(project), id + OPEN);
  const write = (...lines: Line[]) => appendLines(file, lines);
  const end = (state: OperationState, outcome: string | null) => endOperation(project, context, { id, state, outcome });
  return {
    id,
    get effects() {
      return readRecord(file)?.effects ?? [];
    },
    record(...added) {
      if (added.length > 0) write(...added.map((effect) => ({ effect })));
    },
    note: (key, value) => write({ note: [key, value] }),
    finish: () => end("done", null),
    fail: (error) => end("failed", error instanceof Error ? error.message : String(error)),
  };
}

/** Goes on writing into an operation whose owner is dead: for recovery that finishes it rather than takes it back. */
export function continueOperation(project: Place, { id }: Pick<Operation, "id">): Pick<OpenOperation, "record" | "note"> {
  const write = (...lines: Line[]) => appendLines(join(operationsDir(project), id + OPEN), lines);
  return { record: (...added) => write(...added.map((effect) => ({ effect }))), note: (key, value) => write({ note: [key, value] }) };
}

/** Writes how an operation ended (again): by itself, by recovery, by undo. */
export function endOperation(
  project: Place,
  context: Context,
  { id, state, outcome }: { id: string; state: OperationState; outcome: string | null },
): void {
  const folder = operationsDir(project);
  const open = join(folder, id + OPEN);
  const closed = join(folder, id + CLOSED);
  const isOpen = readdirSync(folder).includes(id + OPEN);
  appendLines(isOpen ? open : closed, [{ end: { state, at: context.clock().toISOString(), outcome } }]);
  if (isOpen) renameSync(open, closed);
}

/** Every operation, oldest first, each read when it is asked for: some tell of a million files. */
export function* eachOperation(project: Place): Generator<Operation> {
  yield* readEach(project, recordNames(project));
}

/** The other way round. */
export function* newestOperations(project: Place): Generator<Operation> {
  yield* readEach(project, recordNames(project).reverse());
}

/** How many there are. */
export function countOperations(project: Place): number {
  return recordNames(project).length;
}

function* readEach(project: Place, names: readonly string[]): Generator<Operation> {
  for (const name of names) {
    const operation = readHere(project, name);
    if (operation !== null) yield operation;
  }
}

/** Operations without an end, oldest first: running ones and those whose owner died. */
export function openOperations(project: Place): Operation[] {
  return recordNames(project)
    .filter((name) => name.endsWith(OPEN))
    .flatMap((name) => readHere(project, name) ?? [])
    .filter(({ state }) => state === "open");
}

/** What died, or lost power, between its end and the new name of its file has ended: it gets that name. */
export function nameEnded(project: Place): void {
  const folder = operationsDir(project);
  for (const name of recordNames(project).filter((one) => one.endsWith(OPEN))) {
    const operation = readRecord(join(folder, name));
    if (operation === null || operation.state === "open" || lifeOf(operation.owner) !== "dead") continue;
    try {
      renameSync(join(folder, name), join(folder, operation.id + CLOSED));
    } catch (error) {
      if (!isMissing(error)) throw error; // another command was faster
    }
  }
}

const ID = /^\d{8}T\d{6}-[0-9a-f]{4}$/;
/** Of an id so much must be typed: a digit or two would mean some operation or other by chance. */
const SHORTEST_ID = 4;

/** One operation by its id or an unambiguous beginning or end of it. Throws E_NOT_FOUND. */
export function readOperation(project: Place, id: string): Operation {
  const all = recordNames(project);
  const exact = all.filter((name) => idOf(name) === id);
  const isPart = id.length >= SHORTEST_ID;
  const found = exact.length > 0 || !isPart ? exact : all.filter((name) => idOf(name).startsWith(id) || idOf(name).endsWith(id));
  const operation = found.length === 1 ? readHere(project, found[0] ?? "") : null;
  if (operation !== null) return operation;
  const many = found.length > 1 ? `is the id of ${found.length} operations` : "is no operation";
  throw new ExpverError("E_NOT_FOUND", `${JSON.stringify(id)} ${many}`, {
    hint: "`expver ops` lists them.",
    details: { asked: id, found: found.slice(0, 10).map(idOf) },
  });
}

export function operationsDir(project: Place): string {
  return join(project.stateDir, "operations");
}

function readHere(project: Place, name: string): Operation | null {
  const operation = readRecord(join(operationsDir(project), name));
  return operation === null ? null : relocated(project, operation);
}

function recordNames(project: Place): string[] {
  return namesIn(operationsDir(project))
    .filter((name) => name.endsWith(CLOSED))
    .sort();
}

function idOf(name: string): string {
  return name.slice(0, name.endsWith(OPEN) ? -OPEN.length : -CLOSED.length);
}

/**
 * `20261124T193018-4f2a`: sorts by time, and within one second by the number behind the dash. Where the clock was put back it goes on from the
 * newest one: what is undone first is what was done last.
 */
function createWithFreeId(
  project: Place,
  context: Context,
  begin: Omit<Operation, "id" | "endedAt" | "state" | "outcome" | "effects">,
): string {
  const newest =
    recordNames(project)
      .map(idOf)
      .findLast((id) => ID.test(id)) ?? "";
  const [newestSecond = "", newestNumber = ""] = newest.split("-");
  const now = secondOf(begin.startedAt);
  const isSame = newestSecond >= now;
  let number = isSame ? Number.parseInt(newestNumber, 16) + 1 : Math.floor(context.random() * 0x8000) + 1;
  for (let second = isSame ? newestSecond : now; ; [second, number] = [secondAfter(second), 0]) {
    for (; number <= 0xffff; number += 1) {
      const id = `${second}-${number.toString(16).padStart(4, "0")}`;
      if (createLines(join(operationsDir(project), id + OPEN), [{ begin: { id, ...begin } }])) return id;
    }
  }
}

function secondOf(time: string): string {
  return time.slice(0, 19).replace(/[-:]/g, "");
}

function secondAfter(second: string): string {
  const iso = second.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/, "$1-$2-$3T$4:$5:$6Z");
  return secondOf(new Date(Date.parse(iso) + 1000).toISOString());
}
