/** Runs as a table, one run as lines, a log as itself. */
import type { RunView } from "../../workflows/runs/run-views.ts";
import type { RunLog, RunsList } from "../../workflows/runs/runs.ts";
import type { Terminal } from "../terminal.ts";

const COLOURS = { running: "cyan", finished: "green", failed: "red", killed: "yellow", lost: "yellow" } as const;

export function renderRunsList({ runs, left_out: leftOut }: RunsList, terminal: Terminal): string {
  if (runs.length === 0) return "no runs yet: expver run -- COMMAND\n";
  const rows = runs.map((run) => [
    run.run_id,
    run.status,
    run.version ?? "-",
    run.start.slice(0, 16).replace("T", " "),
    run.message ?? run.command,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row, index) => {
    const status = runs[index]?.status ?? "finished";
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const fixed = cells.slice(0, 4);
    const room = Math.max(10, terminal.width - fixed.join("  ").length - 2);
    const text = (cells[4] ?? "").split("\n")[0] ?? "";
    const tail = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    return [fixed[0], terminal.style(COLOURS[status], fixed[1] ?? ""), ...fixed.slice(2), tail].join("  ").trimEnd();
  });
  if (leftOut > 0) lines.push(terminal.style("dim", `… and ${leftOut} more: expver runs list --all`));
  return `${lines.join("\n")}\n`;
}

export function renderRunsShow(run: RunView, { style }: Terminal): string {
  const ended = run.signal ?? (run.exit_code === null ? "" : `exit code ${run.exit_code}`);
  const facts: [string, string | null][] = [
    ["run", style("bold", run.run_id)],
    [
      "status",
      `${style(COLOURS[run.status], run.status)}${ended === "" ? "" : ` (${ended})`}${run.pid === null ? "" : ` (process ${run.pid})`}`,
    ],
    ["version", run.version],
    ["message", run.message],
    ["command", run.command],
    ["params", tableText(run.params)],
    ["metrics", tableText(run.metrics)],
    ["start", run.start],
    ["end", run.end],
    ["code", run.git_commit === null ? null : `${run.git_commit.slice(0, 12)}${run.dirty ? " and a patch" : ""}`],
    ["data", run.dvc_hash],
    ["host", run.host],
    ["log", run.log],
  ];
  const shown = facts.filter(([, value]) => value !== null && value !== "");
  return shown.map(([name, value]) => `${style("dim", name.padEnd(8))} ${value}\n`).join("");
}

export function renderRunsLogs({ text }: RunLog): string {
  return text;
}

function tableText(table: Readonly<Record<string, string>>): string {
  return Object.entries(table)
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}
