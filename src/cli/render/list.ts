/** `expver list` as a table, best first, and a word on all that is not in it. */

import { counted, someOf } from "../../platform/words.ts";
import type { ListedVersion } from "../../workflows/list/listed.ts";
import type { SortKey } from "../../workflows/list/sort-keys.ts";
import type { VersionList } from "../../workflows/list.ts";
import type { Terminal } from "../terminal.ts";
import { fitText, oneLine, wrapText } from "../text-width.ts";
import { columnsOf, notesOf } from "./list-columns.ts";
import { groupTable } from "./list-groups.ts";
import { listAsText } from "./list-text.ts";
import { METRICS_IN_TREE, treeTable } from "./list-tree.ts";
import { renderNotes, renderTable, type Table, widthNote } from "./table.ts";

/** On a terminal, unless `-n` or `--all` says otherwise; a pipe gets every row. */
const ROWS_ON_TERMINAL = 30;

export function renderList(list: VersionList, terminal: Terminal): string {
  const { form } = list;
  if (form === "csv" || form === "md" || form === "jsonl") return listAsText(list, form);
  if (list.total === 0) {
    return [
      "no versions yet: `expver run` or `expver tag` makes one, `expver sync` brings those of the Git remote",
      ...otherTags(list, terminal),
      ...footer(list),
    ].join("\n");
  }
  const limit = list.all || list.limit !== null || !terminal.isTTY ? list.versions.length : ROWS_ON_TERMINAL;
  const rows = form === "tree" ? list.versions.slice(-limit) : list.versions.slice(0, limit);
  const leftOut = list.leftOut + list.versions.length - rows.length;
  const more = leftOut > 0 && list.groups === null ? [`${leftOut} more: expver list --all`] : [];
  if (form === "tags") return [...rows.map((row) => tagLine(row, terminal)), ...more, ...footer(list)].join("\n");
  const { table, hidden } = tableOf(list, rows, list.all ? { ...terminal, width: Number.POSITIVE_INFINITY } : terminal);
  const notes = [
    ...more,
    ...guessNote(list),
    ...(list.withoutMetric > 0 && list.sort.by === "metric" && list.groups === null
      ? [`${list.withoutMetric} of ${list.total - list.filteredOut} without a number for ${list.sort.metric}: last, without a rank`]
      : []),
    ...(list.groups !== null && list.groups.unread.length > 0
      ? [`counted as one run, their own results not being in the cache: ${namesOf(list.groups.unread)}`]
      : []),
    ...(list.groups?.fewer
      ? [`the best mean is of ${counted(list.groups.fewer.runs, "run")}; others are of up to ${list.groups.fewer.most}`]
      : []),
    ...widthNote({ dropped: [...table.dropped, ...hidden], cut: table.cut }, "--all shows everything"),
    ...offBranchNote(list.versions),
    ...footer(list),
  ];
  const body = rows.length === 0 ? "" : table.text;
  return [wrapText(heading(list), terminal.width), body + renderNotes(notes, terminal)].join("\n");
}

function tableOf(list: VersionList, rows: readonly ListedVersion[], terminal: Terminal): { table: Table; hidden: string[] } {
  if (list.groups !== null) return { table: groupTable(list, list.groups, terminal), hidden: [] };
  if (list.form === "tree") return { table: treeTable(list, rows, terminal), hidden: list.metrics.slice(METRICS_IN_TREE) };
  const { columns, hidden } = columnsOf(list);
  return { table: renderTable(columns, rows, terminal), hidden };
}

function heading({ sort, thenBy, total, filteredOut, where, groups, form }: VersionList): string {
  const some = where === null ? String(total) : `${total - filteredOut} of ${total}`;
  const count = total === 1 && where === null ? "1 version" : `${some} versions`;
  const which = where === null ? "" : ` where ${where}`;
  const what = groups === null ? count : `${counted(groups.groups.length, "group")} of ${count}`;
  const order =
    form === "tree" ? "by major and minor number" : [sort, ...thenBy].map((key) => orderOf(key, groups !== null)).join(", then ");
  return oneLine(`${what}${which}, ${order}`);
}

function orderOf(key: SortKey, grouped: boolean): string {
  if (key.by === "version") return `${key.reversed ? "lowest" : "highest"} number first`;
  if (key.by === "date") return `${key.reversed ? "oldest" : "newest"} first`;
  if (key.by === "param") return `${key.reversed ? "highest" : "lowest"} ${key.param} first`;
  const best = key.direction === "max" ? "highest" : "lowest";
  const name = grouped ? `mean ${key.metric}` : key.metric;
  return `${key.reversed ? "worst" : "best"} ${name} first (${best} is best${key.source === "guess" ? ", a guess from the name" : ""})`;
}

function guessNote({ sort, thenBy, form }: VersionList): string[] {
  if (form === "tree") return [];
  return [sort, ...thenBy].flatMap((key) =>
    key.by === "metric" && key.source === "guess"
      ? [oneLine(`settle the direction in expver.yaml: metrics: { ${key.metric}: ${key.direction} }`)]
      : [],
  );
}

function tagLine(row: ListedVersion, terminal: Terminal): string {
  const notes = notesOf(row);
  const text = oneLine(`${row.version}  ${row.line}${notes === "" ? "" : `  [${notes}]`}`);
  return fitText(text, terminal.width).replace(row.version, terminal.style("yellow", row.version));
}

/** Amended, rebased and squashed commits, and those of deleted branches. */
function offBranchNote(versions: readonly ListedVersion[]): string[] {
  const off = versions.filter(({ onBranch, commit }) => !onBranch && commit !== "").map(({ version }) => version);
  const [first] = off;
  if (first === undefined) return [];
  const are =
    off.length === 1
      ? `${first} is on no branch: its tag alone keeps it`
      : `${off.length} versions are on no branch: their tags alone keep them`;
  return [oneLine(`${are}, whole; git branch NAME ${first} puts a branch there`)];
}

function otherTags({ otherTags: names, prefix }: VersionList, terminal: Terminal): string[] {
  if (names.length === 0) return [];
  const are = names.length === 1 ? "1 tag is no version" : `${names.length} tags are no versions`;
  const how = `a version's name is ${prefix}1.2.3; \`expver get\`, \`diff\` and \`data list --rev\` take any tag, branch or commit`;
  return [wrapText(`${are} (${namesOf(names)}): ${how}`, terminal.width)];
}

function footer({ unversioned, misnamed }: VersionList): string[] {
  const runs = (unversioned ?? []).reduce((sum, one) => sum + one.runs, 0);
  const parts = (unversioned ?? []).map((one) => `${one.runs} ${oneLine(one.status)}`).join(", ");
  return [
    ...(runs > 0 ? [`${counted(runs, "run")} without a version (${parts}): expver runs`] : []),
    ...(misnamed.length > 0 ? [`not versions although they look like it: ${namesOf(misnamed)}`] : []),
  ];
}

function namesOf(names: readonly string[]): string {
  return someOf(names.map(oneLine), 10);
}
