/** `expver ops` as text: one line an operation, newest first; one operation with its effects. */
import type { OperationDetails, OperationLine, OperationList, ShownState } from "../../workflows/ops.ts";
import type { Terminal } from "../terminal.ts";

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

export function renderOpsList({ operations, leftOut }: OperationList, terminal: Terminal): string {
  if (operations.length === 0) return "no operations yet\n";
  const width = Math.max(...operations.map(({ command }) => command.length));
  const lines = operations.map((operation) => {
    const { id, command, summary, state, startedAt } = operation;
    const elsewhere = operation.here ? "" : `  (${operation.worktree})`;
    const plain = `${id}  ${localTime(startedAt)}  ${state.padEnd(9)}  ${command.padEnd(width)}  ${oneLine(summary)}${elsewhere}`;
    return cut(plain, terminal.width).replace(state, terminal.style(COLOURS[state], state));
  });
  const more = leftOut > 0 ? [`${leftOut} older left out: expver ops --all`] : [];
  return `${[...lines, ...more].join("\n")}\n`;
}

export function renderOpsShow(operation: OperationDetails, terminal: Terminal): string {
  const { id, command, argv, summary, state, outcome, startedAt, endedAt, worktree, effects } = operation;
  const head: [string, string][] = [
    ["operation", id],
    ["command", argv.length > 0 ? `expver ${argv.map(quoted).join(" ")}` : `expver ${command}`],
    ["summary", oneLine(summary)],
    ["state", `${terminal.style(COLOURS[state], state)}${outcome === null ? "" : `: ${oneLine(outcome)}`}`],
    ["started", localTime(startedAt)],
    ...(endedAt === null ? [] : [["ended", localTime(endedAt)] as [string, string]]),
    ["worktree", worktree],
  ];
  const lines = head.map(([word, value]) => `${terminal.style("dim", word.padEnd(9))}  ${value}`);
  const effectLines = effects.map(({ effect, target, state: now, now: seen }) => {
    const said = `${EFFECT_STATES[now]}${seen === undefined ? "" : ` (${oneLine(seen)})`}`;
    return `  ${effect.kind.padEnd(6)}  ${oneLine(target)}  ${terminal.style("dim", said)}`;
  });
  const hint = undoable(operation) ? [`expver undo ${id} takes it back`] : [];
  return `${[...lines, ...effectLines, ...hint].join("\n")}\n`;
}

function undoable({ state, here, command, effects }: OperationDetails): boolean {
  return state === "done" && here && command !== "undo" && effects.length > 0 && effects.every((effect) => effect.state !== "other");
}

/** Names come from files and tags: nothing in them may move the cursor. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (one) => JSON.stringify(one).slice(1, -1));
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${oneLine(word).replaceAll("'", "'\\''")}'`;
}

function localTime(iso: OperationLine["startedAt"]): string {
  const date = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}
