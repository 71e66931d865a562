/** A run as the lines a person reads. */
import type { RunOutcome } from "../../workflows/run/closing/outcome.ts";
import { duration } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";

export function renderRun(outcome: RunOutcome, { style }: Terminal): string {
  const line = (word: string, text: string) => `  ${style("dim", word.padEnd(7))} ${text}`;
  if (outcome.detached) {
    return [
      line("run", `${style("bold", outcome.run_id)}  goes on behind you${outcome.version === null ? "" : ` as ${outcome.version}`}`),
      ...outcome.next.map((next) => line("", next)),
      "",
    ].join("\n");
  }
  const lines = [line("run", runText(outcome, style))];
  const where = outcome.onBranch ? "" : `  ${style("yellow", "(not on the branch)")}`;
  if (outcome.version === null)
    lines.push(
      line("stored", `${outcome.results?.slice(0, 12)}${where}  make a version of it: expver tag VERSION --run ${outcome.run_id}`),
    );
  else {
    lines.push(line("tag", `${style("bold", outcome.version)}  ${outcome.tagLine}${where}`));
    lines.push(outcome.published ? "  published" : `  not published: expver publish ${outcome.version}`);
  }
  return `${lines.join("\n")}\n`;
}

function runText({ run_id: runId, params, metrics, primaryMetric: primary, seconds }: RunOutcome, style: Terminal["style"]): string {
  const settings = Object.entries(params).map(([name, value]) => oneLine(`${name}=${value}`));
  const shown = settings.length > 4 ? [...settings.slice(0, 4), "…"] : settings;
  const metric = primary === null ? "" : `${primary} ${metrics[primary]}`;
  return [style("bold", runId), shown.join("  "), metric, style("dim", `(${duration(seconds)})`)].filter((part) => part !== "").join("  ");
}
