/** Sweeps as the lines and tables a person reads. */
import { counted } from "../../platform/words.ts";
import type { SweepOutcome } from "../../workflows/sweep/conduct.ts";
import { failureText } from "../../workflows/sweep/ending/first-failure.ts";
import type { SettingView, SweepRunView } from "../../workflows/sweep/ending/views.ts";
import type { SweepDetails, SweepView } from "../../workflows/sweep/sweeps.ts";
import type { BestRun } from "../../workflows/sweep/winner.ts";
import { duration } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";
import { pairsInLine, renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";
import { localTime } from "./time.ts";

/** Of those that could not win. */
const MOST_SETTINGS = 5;

export function renderSweep(outcome: SweepOutcome, { style }: Terminal): string {
  const { counts, best, metric, promotion, candidates, kept, version, tagLine, onBranch, published, sweep, failure } = outcome;
  const line = (word: string, text: string) => `  ${style("dim", word.padEnd(7))} ${text}`;
  const winner = best === null ? [] : [`best ${metric}=${bestText(best)} (${pairsInLine(best.settings, " ")})`];
  const promoted = promotion === null ? [] : [promotion.promoted ? `promoted (${oneLine(promotion.why)})` : "not promoted"];
  const stored = candidates === 0 ? [] : [`${counted(candidates, "candidate")} stored, ${kept} kept in the folder`];
  const lines = [line("sweep", [counts, ...winner, ...promoted, ...stored].join(" · "))];
  if (version === null) lines.push(line("stored", `${outcome.results?.slice(0, 12)}  (no version)`));
  else {
    lines.push(line("tag", `${style("bold", version)}  ${tagLine}${onBranch ? "" : `  ${style("yellow", "(not on the branch)")}`}`));
    lines.push(published ? "  published" : `  not published: expver publish ${version}`);
  }
  if (promotion !== null && !promotion.promoted) lines.push(`  not promoted: ${promotion.why}`);
  lines.push(...settingLines(outcome));
  if (failure !== null) lines.push(`  ${oneLine(failureText(failure))}`, `  its output: ${failure.read}`);
  if (outcome.exitCode !== 0) lines.push(`  not all runs finished: expver sweep show ${sweep}`);
  return `${lines.join("\n")}\n`;
}

function bestText({ value, mean, runs, asked }: BestRun): string {
  if (mean === null) return value ?? "";
  return `${mean} (mean of ${runs}${runs === asked ? "" : ` of ${asked}`})`;
}

/** Settings that could not win, their seeds being not all there; or that none has them all. */
function settingLines({ settings, best, sweep, metric }: SweepOutcome): string[] {
  const lacking = settings.filter(({ lacks }) => lacks !== null);
  const shown = lacking.slice(0, MOST_SETTINGS).map(({ settings: given, mean, runs, asked, lacks }) => {
    const number = mean === null ? "" : `, mean ${metric}=${mean}`;
    return `  ${pairsInLine(given, " ") || "all runs"}: ${runs} of ${asked} runs (${lacks})${number}`;
  });
  if (shown.length === 0) return [];
  const all = lacking.length === settings.length;
  const rule = all ? "no setting has all its runs; the best of those with most wins:" : "settings without all their runs do not win:";
  const more = lacking.length > shown.length ? [`  … and ${lacking.length - shown.length} more: expver sweep show ${sweep}`] : [];
  return best === null ? [] : [`  ${rule}`, ...shown.map((line) => `  ${line}`), ...more];
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
  { title: "best", text: ({ best, metric }) => (best === null ? "" : `${metric}=${bestText(best)}`), weight: 7 },
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
  const { runs, settings, metric, best, state, version, failure } = sweep;
  const columns: Column<SweepRunView>[] = [
    { title: "", text: ({ run }) => (run !== null && run === best?.run ? "*" : "") },
    { title: "run", text: ({ run }) => run ?? "" },
    { title: "settings", text: ({ settings }) => pairsInLine(settings, " "), weight: 9 },
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
  const means = settings.length === 0 ? "" : `${renderTable(settingColumns(metric ?? ""), settings, terminal).text}\n`;
  const lacking = settings.some(({ lacks }) => lacks !== null)
    ? ["a setting that lacks a run does not win while another has them all"]
    : [];
  const why = failure === null ? [] : [oneLine(failureText(failure)), `its output: ${failure.read}`];
  const notes = [...why, ...lacking, ...(state === "waiting" ? [`go on: expver sweep --resume ${sweep.sweep}`] : [])];
  return `${head}\n\n${means}${table.text}${renderNotes([...notes, ...widthNote(table, "--json has it whole")], terminal)}`;
}

function settingColumns(metric: string): Column<SettingView>[] {
  return [
    { title: "settings", text: ({ settings }) => pairsInLine(settings, " "), weight: 9 },
    { title: `mean ${metric}`, align: "right", text: ({ mean }) => mean ?? "" },
    { title: "of", align: "right", text: ({ runs, asked }) => (runs === asked ? `${runs}` : `${runs} of ${asked}`) },
    { title: "lacks", text: ({ lacks }) => lacks ?? "", style: "yellow", weight: 8 },
  ];
}

function statusText({ state, status, cause, exitCode }: SweepRunView): string {
  if (state === "missing" && status === null) return "missing";
  if (cause !== null) return `${status} (${cause})`;
  return status === "failed" && exitCode !== null ? `failed (${exitCode})` : (status ?? "");
}
