/** Runs as a table, one run as lines, a log as itself. */
import { stripVTControlCharacters } from "node:util";
import type { RunView } from "../../workflows/runs/run-views.ts";
import type { RunLog, RunsList } from "../../workflows/runs/runs.ts";
import { duration, formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine, safeLines } from "../text-width.ts";
import { type Pair, pairsInLine, renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";
import { localTime } from "./time.ts";

const COLOURS = { running: "cyan", finished: "green", failed: "red", killed: "yellow", lost: "yellow" } as const;

const COLUMNS: Column<RunView>[] = [
  { title: "run", text: ({ run_id: id }) => id },
  {
    title: "status",
    text: ({ status, exit_code: code }) => (status === "failed" && code !== null ? `failed (${code})` : status),
    style: ({ status }) => COLOURS[status],
  },
  { title: "version", text: ({ version }) => version ?? "", weight: 9 },
  { title: "started", text: ({ start }) => localTime(start), weight: 6 },
  { title: "took", text: (run) => tookText(run), align: "right", weight: 5 },
  { title: "description", text: ({ message, command }) => firstLine(message ?? command), weight: 8, shrinkTo: 12 },
];

export function renderRunsList({ runs, total, leftOut }: RunsList, terminal: Terminal): string {
  if (total === 0) return "no runs yet: expver run -- COMMAND\n";
  if (runs.length + leftOut === 0) return `none of ${total} runs\n`;
  const table = renderTable(COLUMNS, runs, terminal);
  const more = leftOut > 0 ? [`${leftOut} more: expver runs --all`] : [];
  return table.text + renderNotes([...more, ...widthNote(table, "expver runs show RUN")], terminal);
}

export function renderRunsShow(run: RunView, terminal: Terminal): string {
  const { status, signal, exit_code: code, pid } = run;
  const ended = signal ?? (code === null ? "" : `exit code ${code}`);
  const facts: Pair[] = [
    ["run", run.run_id, "bold"],
    ["status", [status, ended && `(${ended})`, pid === null ? "" : `(process ${pid})`].filter(Boolean).join(" "), COLOURS[status]],
    ["version", run.version ?? ""],
    ["message", run.message ?? ""],
    ["command", run.command],
    ["params", pairsInLine(run.params)],
    ["metrics", pairsInLine(run.metrics)],
    ["started", localTime(run.start)],
    ["ended", run.end === null ? "" : localTime(run.end)],
    ["took", tookText(run)],
    ["code", run.git_commit === null ? "" : `${run.git_commit}${run.dirty ? " and a patch" : ""}`],
    ["data", run.dvc_hash ?? ""],
    ["host", run.host ?? ""],
    ["log", run.log ?? ""],
    ["left", leftText(run)],
  ];
  return `${renderPairs(facts, terminal)}\n`;
}

/** Into a file or a pipe byte for byte. On a terminal only its words: what steers one was meant for the program's own moment. */
export function renderRunsLogs({ text, followed }: RunLog, { isTTY }: Terminal): string {
  if (followed) return "";
  return isTTY
    ? safeLines(
        stripVTControlCharacters(text)
          .replace(/[^\n]*\r(?=[^\r\n])/g, "")
          .replaceAll("\r", ""),
      )
    : text;
}

function tookText({ start, end }: RunView): string {
  const seconds = end === null ? Number.NaN : (Date.parse(end) - Date.parse(start)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? duration(seconds) : "";
}

function leftText({ left }: RunView): string {
  if (left === null) return "";
  const names = left.paths.slice(0, 3).map(oneLine).join(", ");
  return `${names}${left.files > 3 ? `, … (${left.files} files)` : ""}, ${formatBytes(left.bytes)}, in no version${left.folder === null ? "" : `; kept in ${left.folder}`}`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
