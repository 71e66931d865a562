/** The answers of `expver models …` as text. */
import type { Production } from "../../models/production.ts";
import type { KnownModel, Tenure } from "../../models/types.ts";
import type { AddedCandidate } from "../../workflows/models/add.ts";
import type { Demoted } from "../../workflows/models/demote.ts";
import type { HistoryEntry, ModelsHistory } from "../../workflows/models/history.ts";
import type { ProductionInfo } from "../../workflows/models/info.ts";
import type { ListedModel, ModelList } from "../../workflows/models/list.ts";
import type { RankedBy } from "../../workflows/models/metric-choice.ts";
import type { Promoted } from "../../workflows/models/promote.ts";
import type { Pruned, PrunedCandidate } from "../../workflows/models/prune.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine, wrapText } from "../text-width.ts";
import { renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";
import { localTime } from "./time.ts";

export function renderModelsList(list: ModelList, terminal: Terminal): string {
  const { by, models, leftOut, strays, withoutModel } = list;
  const notes = [
    ...(leftOut > 0 ? [`${leftOut} more: expver models list`] : []),
    ...(by?.source === "guess" ? [`settle the direction in expver.yaml: metrics: { ${by.metric}: ${by.direction} }`] : []),
    ...productionNote(list),
    ...(withoutModel.length > 0 ? [`without a model: ${withoutModel.join(", ")}`] : []),
    ...(strays.length > 0 ? [`in the candidates folder, of no run: ${strays.join(", ")}`] : []),
  ];
  if (models.length === 0) return `no models yet: a run leaves one, or expver models add\n${renderNotes(notes, terminal)}`;
  const columns: Column<ListedModel>[] = [
    ...(by === null
      ? []
      : [{ title: "#", align: "right" as const, text: ({ rank }: ListedModel) => (rank === null ? "-" : String(rank)) }]),
    { title: "version", text: ({ version }) => version ?? "", style: "yellow" },
    { title: "run", text: ({ run }) => run ?? "", weight: 8 },
    ...(by === null ? [] : [{ title: by.metric, align: "right" as const, text: ({ value }: ListedModel) => value ?? "" }]),
    ...(isOnePerRun(models) ? [] : [{ title: "file", text: ({ path }: ListedModel) => path, weight: 8 }]),
    { title: "hash", text: ({ hash }) => hash.slice(0, 6), weight: 6 },
    { title: "size", text: ({ size }) => (size === null ? "" : formatBytes(size)), align: "right", weight: 5 },
    { title: "bytes are in", text: ({ bytesAre }) => bytesAre.join(", ") || "none of the places asked", weight: 7 },
    { title: "", text: ({ isProduction }) => (isProduction ? "in production" : ""), weight: 9, style: "green" },
  ];
  const table = renderTable(columns, models, terminal);
  return `${wrapText(heading(models.length + leftOut, by), terminal.width)}\n${table.text}${renderNotes([...notes, ...widthNote(table, "--json has it whole")], terminal)}`;
}

/** Else nothing but the file tells one model of a run from another. */
function isOnePerRun(models: readonly ListedModel[]): boolean {
  return new Set(models.map(({ version, run }) => `${version} ${run}`)).size === models.length;
}

function heading(count: number, by: RankedBy | null): string {
  const models = count === 1 ? "1 model" : `${count} models`;
  return by === null ? models : oneLine(`${models}, best ${by.metric} first (${best(by)})`);
}

function best({ direction, source }: RankedBy): string {
  return `${direction === "max" ? "highest" : "lowest"} is best${source === "guess" ? ", a guess from the name" : ""}`;
}

function productionNote({ production: { path, state }, models, inProduction }: ModelList): string[] {
  const more = "expver models info";
  if (state === "none") return [];
  if (state === "missing") return [`${path}: its bytes are not here (${more})`];
  if (state === "changed") return [`${path}: what lies there is not what was promoted (${more})`];
  if (inProduction === null) return [`${path}: of no known run (${more})`];
  const { version, run, rank } = inProduction;
  const words = [version, run, ...(rank === null ? [] : [`rank ${rank}`])].filter((word) => word !== null);
  return models.some(({ isProduction }) => isProduction) ? [] : [`in production: ${words.join(" ")}`];
}

export function renderModelsInfo(info: ProductionInfo, terminal: Terminal): string {
  const { production, is, promoted, promotion, history, by } = info;
  const { style } = terminal;
  const { path, state, recorded, there } = production;
  if (state === "none") return `nothing is in production (${path}): expver models promote VERSION\n`;
  const own = there ?? recorded;
  const values = (models: readonly KnownModel[]) => models.map((model) => nameOf(model, by)).join("\n");
  const said: [string, string][] = [
    ["is", is.length === 0 ? "of no version, run or candidate that is known here" : values(is)],
    ["hash", own?.hash ?? ""],
    ["size", own?.size == null ? "" : formatBytes(own.size)],
    [
      "bytes",
      info.isCached ? "in the cache too" : there === null ? "not here: expver data fetch, expver data checkout" : "here only: in no cache",
    ],
    ["promoted", promotion === null ? "" : promotionText(promotion)],
    ...(state === "changed"
      ? ([["recorded", [recorded?.hash ?? "", values(promoted)].filter(Boolean).join("\n")]] as [string, string][])
      : []),
    [
      "before",
      history
        .filter((one) => one !== promotion && one.hash !== promotion?.hash)
        .map(promotionText)
        .join("\n"),
    ],
  ];
  return `${style("bold", path)}  ${style(state === "right" ? "green" : "yellow", stateText(production))}\n${renderPairs(said, terminal, 2)}\n`;
}

export function renderModelsPromote({ version, run, path, hash, size, commit, replaced, gates }: Promoted, { style }: Terminal): string {
  const name = [version, run].filter(Boolean).join("  ");
  if (commit === null && replaced === null) return `${path} is ${name} already\n`;
  const amount = size === null ? "" : `  ${formatBytes(size)}`;
  const lines = [
    ...gates.map(({ gate, found }) => `  ${style("dim", "passed")}    ${gate}  (${found})`),
    ...(replaced === null ? [] : [`  ${style("dim", "replaced")}  ${replaced.slice(0, 6)}: expver undo brings it back`]),
    ...(commit === null ? [] : [`  ${style("dim", "commit")}    ${commit.slice(0, 12)}`]),
  ];
  return [`${style("bold", path)}  is now ${name}  ${hash.slice(0, 6)}${amount}`, ...lines, ""].join("\n");
}

export function renderModelsDemote({ path, demoted, back, commit }: Demoted, { style }: Terminal): string {
  const name = ({ version, run }: Pick<Tenure, "version" | "run">) => [version, run].filter(Boolean).join("  ");
  const now = back === null ? "nothing is in production" : `is again ${name(back)}  ${back.hash.slice(0, 6)}`;
  const lines = [
    `  ${style("dim", "demoted")}   ${name(demoted)}  ${demoted.hash.slice(0, 6)}: expver undo brings it back`,
    ...(commit === null ? [] : [`  ${style("dim", "commit")}    ${commit.slice(0, 12)}`]),
  ];
  return [`${style("bold", path)}  ${now}`, ...lines, ""].join("\n");
}

export function renderModelsHistory({ path, by, entries, leftOut, remote }: ModelsHistory, terminal: Terminal): string {
  if (entries.length === 0) return `nothing was ever in production (${path}): expver models promote VERSION\n`;
  const columns: Column<HistoryEntry>[] = [
    { title: "version", text: ({ version, hash }) => version ?? (hash === null ? "none" : ""), style: "yellow" },
    { title: "run", text: ({ run }) => run ?? "", weight: 8 },
    ...(by === null ? [] : [{ title: by.metric, align: "right" as const, text: ({ value }: HistoryEntry) => value ?? "" }]),
    { title: "hash", text: ({ hash }) => hash?.slice(0, 6) ?? "", weight: 6 },
    { title: "from", text: ({ date }) => localTime(date) },
    { title: "until", text: ({ until }) => (until === null ? "now" : localTime(until)), weight: 9 },
    { title: "how", text: ({ how }) => (how === "unsaid" ? "its pointer changed" : how), weight: 7 },
    { title: "by", text: (entry) => nameIn(entry.by), weight: 5, shrinkTo: 8 },
    { title: "commit", text: ({ commit }) => commit.slice(0, 12), weight: 6 },
    { title: "operation", text: ({ operation }) => operation ?? "", weight: 5 },
    {
      title: "bytes are in",
      text: ({ bytesAre, hash }) => (hash === null ? "" : bytesAre.join(", ") || "none of the places asked"),
      weight: 9,
    },
  ];
  const table = renderTable(columns, entries, terminal);
  const notes = [
    ...(leftOut > 0 ? [`${leftOut} older: expver models history`] : []),
    ...(remote === null && entries.some(({ hash, bytesAre }) => hash !== null && bytesAre.length === 0)
      ? ["the remote was not asked: expver models history --cloud"]
      : []),
    ...widthNote(table, "--json has it whole"),
  ];
  return `${terminal.style("bold", path)}\n${table.text}${renderNotes(notes, terminal)}`;
}

/** Without the address, but for somebody who has no name. */
function nameIn(by: string): string {
  return by.replace(/ <[^>]*>$/, "") || by;
}

export function renderModelsAdd({ path, hash, commit, published }: AddedCandidate, { style }: Terminal): string {
  const line = `${style("bold", path)}  ${hash.slice(0, 6)}  ${commit === null ? "was there already" : style("dim", `commit ${commit.slice(0, 12)}`)}\n`;
  if (published === null) return line;
  const { remote, branch, objects, version } = published;
  const where =
    remote === null ? "no Git remote: only objects were sent" : [branch, version].filter(Boolean).join(", ").concat(` → ${remote}`);
  return `${line}  ${style("dim", "published")}  ${objects} objects sent; ${where}\n`;
}

export function renderModelsPrune({ by, keep, removed, stays, commit }: Pruned, terminal: Terminal): string {
  const columns: Column<PrunedCandidate>[] = [
    { title: "candidate", text: ({ path }) => path },
    { title: by.metric, text: ({ value }) => value ?? "", align: "right" },
    { title: "size", text: ({ size }) => formatBytes(size), align: "right", weight: 5 },
    { title: "", text: ({ why }) => why, shrinkTo: 20 },
  ];
  const part = (title: string, rows: readonly PrunedCandidate[]) =>
    rows.length === 0 ? "" : `${terminal.style("bold", title)}\n${renderTable(columns, rows, terminal).text}`;
  const bytes = removed.reduce((sum, { size }) => sum + size, 0);
  const head =
    removed.length === 0
      ? `nothing removed (keep ${keep}, best ${by.metric} first: ${best(by)})\n`
      : `${removed.length} removed, ${formatBytes(bytes)}; expver undo brings them back${commit === null ? "" : `  commit ${commit.slice(0, 12)}`}\n`;
  return `${head}${part("removed, kept by", removed)}${part("left", stays)}`;
}

function promotionText({ version, run, date, by, hash, commit }: Tenure): string {
  return `${version ?? run ?? hash?.slice(0, 6)}  ${localTime(date)} by ${by}  ${commit.slice(0, 12)}`;
}

function nameOf({ version, run, path, metrics }: KnownModel, by: RankedBy | null): string {
  const value = by === null ? undefined : metrics[by.metric];
  return [version, run, by !== null && value !== undefined ? `${by.metric}=${value}` : null, path].filter(Boolean).join("  ");
}

function stateText({ state }: Production): string {
  switch (state) {
    case "right":
      return "as promoted";
    case "untracked":
      return "not tracked: nobody promoted it";
    case "missing":
      return "not here";
    case "changed":
      return "what lies there is not what was promoted";
    case "uncommitted":
      return "its pointer is not committed";
    case "none":
      return "";
  }
}
