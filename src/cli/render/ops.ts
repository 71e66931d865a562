/** `expver ops` as text: one line an operation, newest first; one operation with its effects. */

import type { EffectState } from "../../journal/take-back.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import type { OperationDetails, OperationLine, OperationList, ShownState } from "../../workflows/ops.ts";
import type { PurgeResult } from "../../workflows/ops-purge.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";
import { localTime } from "./time.ts";

const COLOURS = {
  running: "cyan",
  killed: "red",
  failed: "red",
  elsewhere: "yellow",
  done: "green",
  recovered: "yellow",
  undone: "dim",
} as const satisfies Record<ShownState, string>;

const EFFECT_STATES = { after: "stands", before: "taken back", other: "changed since", beyond: "on a remote" } as const;

const COLUMNS: Column<OperationLine>[] = [
  { title: "operation", text: ({ id }) => id },
  { title: "started", text: ({ startedAt }) => localTime(startedAt), weight: 2 },
  { title: "state", text: ({ state }) => state, style: ({ state }) => COLOURS[state], weight: 4 },
  { title: "command", text: ({ command }) => command, weight: 5 },
  { title: "what it did", text: ({ summary }) => summary, weight: 6, shrinkTo: 12 },
  { title: "worktree", text: ({ here, worktree }) => (here ? "" : worktree), weight: 3, shrinkTo: 16 },
];

const EFFECT_COLUMNS: Column<EffectState>[] = [
  { title: "kind", text: ({ effect }) => effect.kind, weight: 1 },
  { title: "changed", text: ({ target }) => target, shrinkTo: 24 },
  {
    title: "now",
    text: ({ state, now }) => `${EFFECT_STATES[state]}${now === undefined ? "" : ` (${now})`}`,
    shrinkTo: 14,
    weight: 2,
  },
];

export function renderOpsList({ operations, leftOut }: OperationList, terminal: Terminal): string {
  if (operations.length + leftOut === 0) return "no operations yet\n";
  const table = renderTable(COLUMNS, operations, terminal);
  const more = leftOut > 0 ? [`${leftOut} older: expver ops --all`] : [];
  return table.text + renderNotes([...more, ...widthNote(table, "expver ops show OP")], terminal);
}

export function renderOpsShow(operation: OperationDetails, terminal: Terminal): string {
  const { id, command, argv, summary, state, outcome, startedAt, endedAt, worktree, effects } = operation;
  const head = renderPairs(
    [
      ["operation", id],
      ["command", `expver ${argv.length > 0 ? argv.map(shellWord).join(" ") : command}`],
      ["summary", summary],
      ["state", `${state}${outcome === null ? "" : `: ${outcome}`}`, COLOURS[state]],
      ["started", localTime(startedAt)],
      ["ended", endedAt === null ? "" : localTime(endedAt)],
      ["worktree", worktree],
    ],
    terminal,
  );
  const table = renderTable(EFFECT_COLUMNS, effects, terminal);
  const touched = effects.length === 0 ? "" : `\n${table.text}${renderNotes(widthNote(table, "--json has it whole"), terminal)}`;
  const hint = undoable(operation) ? `\nexpver undo ${id} takes it back\n` : "";
  return `${head}\n${touched}${hint}`;
}

export function renderOpsPurge({ freed, files, bytes, left, lost }: PurgeResult): string {
  const stays = left === 0 ? "" : `, ${left} stay${left === 1 ? "s" : ""}`;
  if (freed === 0) return left === 0 ? "the trash is empty\n" : `nothing to free${stays}: too young, or a command at work needs it\n`;
  const undone = lost.length === 0 ? "" : `\n  ${counted(lost.length, "operation")} can no longer be undone`;
  return `  freed  ${formatBytes(bytes)}  (${counted(files, "file")}${stays})${undone}\n`;
}

function undoable({ state, here, command, effects }: OperationDetails): boolean {
  return state === "done" && here && command !== "undo" && effects.length > 0 && effects.every((effect) => effect.state !== "other");
}
