/** Sweeps as the lines and tables a person reads. */
import type { SweepOutcome } from "../../workflows/sweep/conduct.ts";
import { failureText } from "../../workflows/sweep/first-failure.ts";
import type { SweepDetails, SweepView } from "../../workflows/sweep/sweeps.ts";
import type { SweepRunView } from "../../workflows/sweep/views.ts";
import { duration } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";
import { renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";
import { localTime } from "./time.ts";

export function renderSweep(outcome: SweepOutcome, { style }: Terminal): string {
  const { counts, best, metric, promotion, candidates, kept, version, tagLine, onBranch, published, sweep, failure } = outcome;
  const line = (word: string, text: string) => `  ${style("dim", word.padEnd(7))} ${text}`;
  const winner =
    best === null ? [] : [`best ${metric}=${best.mean === null ? best.value : `${best.mean} (mean)`} (${settingsText(best.settings)})`];
  const promoted = promotion === null ? [] : [promotion.promoted ? "better than production: promoted" : "not promoted"];
  const stored = candidates === 0 ? [] : [`${candidates} candidates stored, ${kept} kept in the folder`];
  const lines = [line("sweep", [counts, ...winner, ...promoted, ...stored].join(" · "))];
  if (version === null) lines.push(line("stored", `${outcome.results?.slice(0, 12)}  (no version)`));
  else {
    lines.push(line("tag", `${style("bold", version)}  ${tagLine}${onBranch ? "" : `  ${style("yellow", "(not on the branch)")}`}`));
    lines.push(published ? "  published" : `  not published: expver publish ${version}`);
  }
  if (promotion !== null && !promotion.promoted) lines.push(`  not promoted: ${promotion.why}`);
  if (failure !== null) lines.push(`  ${oneLine(failureText(failure))}`, `  its output: ${failure.read}`);
  if (outcome.exitCode !== 0) lines.push(`  not all runs finished: expver sweep show ${sweep}`);
  return `${lines.join("\n")}\n`;
}

const SWEEP_COLUMNS: Column<SweepView>[] = [
  { title: "sweep", text: ({ sweep }) => sweep },
  {
    title: "state",
    text: ({ state }) => state,
    style: ({ state }) => (({ running: "cyan", waiting: "yellow", over: "green" }) as const)[state],
  },
  { title: "version", text: ({ version }) => version ?? "", weight: 9 },
  { title: "runs", text: ({ counts }) => counts, weight: 9 },
  { title: "best", text: ({ best, metric }) => (best === null ? "" : `${metric}=${best.value}`), weight: 7 },
  { title: "began", text: ({ since }) => localTime(since), weight: 5 },
  { title: "description", text: ({ message, command }) => oneLine(message ?? command), weight: 6, shrinkTo: 12 },
];

export function renderSweepList(data: { sweeps: SweepView[] } | SweepView, terminal: Terminal): string {
  const sweeps = "sweeps" in data ? data.sweeps : [data];
  if (sweeps.length === 0) return "no sweeps yet: expver sweep --grid NAME=VALUES -- COMMAND\n";
  const table = renderTable(SWEEP_COLUMNS, sweeps, terminal);
  const waiting = sweeps.find(({ state }) => state === "waiting");
  const notes = waiting === undefined ? [] : [`go on: expver sweep --resume ${waiting.sweep}`];
  return table.text + renderNotes([...notes, ...widthNote(table, "expver sweep show SWEEP")], terminal);
}

export function renderSweepShow(sweep: SweepDetails, terminal: Terminal): string {
  const { runs, metric, best, state, version, failure } = sweep;
  const columns: Column<SweepRunView>[] = [
    { title: "", text: ({ run }) => (run !== null && run === best?.run ? "*" : "") },
    { title: "run", text: ({ run }) => run ?? "" },
    { title: "settings", text: ({ settings }) => settingsText(settings), weight: 9 },
    {
      title: "status",
      text: (run) => statusText(run),
      style: ({ state: one }) => (({ finished: "green", failed: "red", missing: "yellow" }) as const)[one],
    },
    ...(metric === null ? [] : [{ title: metric, align: "right" as const, text: ({ metrics }: SweepRunView) => metrics[metric] ?? "" }]),
    { title: "took", align: "right", text: ({ seconds }) => (seconds === null ? "" : duration(seconds)), weight: 5 },
  ];
  const table = renderTable(columns, runs, terminal);
  const head = renderPairs(
    [
      ["sweep", sweep.sweep, "bold"],
      ["state", `${state}${sweep.pid === null ? "" : ` (process ${sweep.pid})`}`],
      ["version", version ?? ""],
      ["message", sweep.message ?? ""],
      ["command", sweep.command],
      ["runs", sweep.counts],
    ],
    terminal,
  );
  const why = failure === null ? [] : [oneLine(failureText(failure)), `its output: ${failure.read}`];
  const notes = [...why, ...(state === "waiting" ? [`go on: expver sweep --resume ${sweep.sweep}`] : [])];
  return `${head}\n\n${table.text}${renderNotes([...notes, ...widthNote(table, "--json has it whole")], terminal)}`;
}

function statusText({ state, status, cause, exitCode }: SweepRunView): string {
  if (state === "missing" && status === null) return "missing";
  if (cause !== null) return `${status} (${cause})`;
  return status === "failed" && exitCode !== null ? `failed (${exitCode})` : (status ?? "");
}

function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => oneLine(`${name}=${value}`))
    .join(" ");
}
