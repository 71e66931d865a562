/** `expver diff` as text: what differs, section by section; what is the same is only counted. */
import type { ArtifactDifference, FileChange } from "../../workflows/diff/artifacts.ts";
import type { CodeDifference } from "../../workflows/diff/code.ts";
import type { PackageChange, PackageDifference } from "../../workflows/diff/packages.ts";
import type { TableChange } from "../../workflows/diff/tables.ts";
import type { MetricRow, ValueRow, VersionsDiff } from "../../workflows/diff.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { fitMiddle, oneLine } from "../text-width.ts";
import { type Pair, renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";

export function renderDiff(diff: VersionsDiff, terminal: Terminal): string {
  const names = diff.versions.map(({ version }) => version);
  const sections = [
    section("params", diff.params, { names, columns: paramColumns(names) }, terminal),
    ...(diff.command.differs ? [section("run as", [diff.command], { names, columns: paramColumns(names) }, terminal)] : []),
    section("metrics", diff.metrics, { names, columns: metricColumns(names), notes: whoseNumbers(diff) }, terminal),
    section("data, models, outputs", diff.artifacts, { names, columns: artifactColumns(names) }, terminal),
    ...diff.artifacts.flatMap((artifact) => fileSections(artifact, names, terminal)),
    ...diff.tables.map((table) => tableSection(table, terminal)),
    ...diff.code.map((code) => codeSection(code, terminal)),
    ...(diff.environment.some(({ differs }) => differs)
      ? [section("environment", diff.environment.map(readable), { names, columns: paramColumns(names) }, terminal)]
      : []),
    ...diff.packages.map((packages) => packageSection(packages, terminal)),
  ];
  return diff.differs ? sections.filter((one) => one !== "").join("\n") : `${names.join(" and ")} do not differ\n`;
}

function section<Row extends { differs: boolean }>(
  title: string,
  rows: readonly Row[],
  { names, columns, notes = [] }: { names: readonly string[]; columns: Column<Row>[]; notes?: string[] },
  terminal: Terminal,
): string {
  if (rows.length === 0) return "";
  const differing = rows.filter(({ differs }) => differs);
  const equal = rows.length - differing.length;
  const same = [...(equal === 0 ? [] : [`${equal} the same`]), ...notes];
  const head = terminal.style("bold", title);
  if (differing.length === 0) return `${head}\n${renderNotes(same, terminal)}`;
  const table = renderTable(columns, differing, terminal);
  // What each side says is what is asked for: where it does not fit beside the other, it stands below it.
  if (names.some((name) => table.dropped.includes(name))) {
    return `${head}\n${differing.map((row) => belowEachOther(row, columns, terminal)).join("")}${renderNotes(same, terminal)}`;
  }
  return `${head}\n${table.text}${renderNotes([...same, ...widthNote(table, "--json has it whole")], terminal)}`;
}

/** A worktree measures nothing itself. */
function whoseNumbers({ versions }: VersionsDiff): string[] {
  return versions.flatMap(({ kind, version, description }) => (kind === "worktree" ? [`${version}: ${description}`] : []));
}

/** The column that always stays is the row's name. */
function belowEachOther<Row>(row: Row, columns: readonly Column<Row>[], terminal: Terminal): string {
  const name = columns.find(({ weight }) => weight === undefined)?.text(row) ?? "";
  const pairs = columns.flatMap(({ title, text, weight }): Pair[] => (weight === undefined ? [] : [[title, text(row)]]));
  return `${fitMiddle(oneLine(name), terminal.width)}\n${renderPairs(pairs, terminal, 2)}\n`;
}

function readable(row: ValueRow): ValueRow {
  return row.name === "memory" ? { ...row, values: row.values.map((bytes) => bytes && formatBytes(Number(bytes))) } : row;
}

/** What each side says is what is asked for: a name gives way to it. */
const NAME = { shrinkTo: 20, keepsEnd: true } as const;

function paramColumns(names: readonly string[]): Column<ValueRow>[] {
  return [
    { title: "", text: ({ name }) => name, ...NAME },
    ...names.map(
      (title, index): Column<ValueRow> => ({ title, text: ({ values }) => values[index] ?? "–", shrinkTo: 12, weight: index < 2 ? 9 : 5 }),
    ),
  ];
}

/** The words say it, colour only helps. */
function metricColumns(names: readonly string[]): Column<MetricRow>[] {
  return [
    { title: "", text: ({ name }) => name, ...NAME },
    ...names.flatMap((title, index): Column<MetricRow>[] => {
      const value: Column<MetricRow> = { title, text: ({ values }) => values[index] ?? "–", align: "right", weight: 40 - 2 * index };
      if (index === 0) return [value];
      const change: Column<MetricRow> = {
        title: names.length === 2 ? "change" : `change to ${title}`,
        text: ({ deltas, verdicts }) =>
          [deltas[index - 1], verdicts[index - 1] === "same" ? null : verdicts[index - 1]].filter(Boolean).join(" "),
        // Whether it helped is what is asked: the number goes before the difference.
        weight: 41 - 2 * index,
        style: ({ verdicts }) => (verdicts[index - 1] === "better" ? "green" : verdicts[index - 1] === "worse" ? "red" : "dim"),
      };
      return [value, change];
    }),
    {
      title: "best is",
      text: ({ direction, source }) =>
        direction === null ? "" : `${direction === "max" ? "highest" : "lowest"}${source === "guess" ? " (a guess)" : ""}`,
      weight: 3,
    },
  ];
}

function artifactColumns(names: readonly string[]): Column<ArtifactDifference>[] {
  const amount = (value: ArtifactDifference["values"][number]) => {
    if (value === null || value === undefined) return "–";
    const size = value.size === null ? "" : ` ${formatBytes(value.size)}`;
    return `${value.hash.slice(0, 6)}${size}${value.nfiles === null ? "" : ` in ${value.nfiles} files`}`;
  };
  return [
    { title: "is", text: ({ role }) => role, weight: 4 },
    { title: "path", text: artifactName, ...NAME },
    ...names.map((title, index): Column<ArtifactDifference> => ({ title, text: ({ values }) => amount(values[index] ?? null), weight: 8 })),
    {
      title: "files",
      text: ({ files }) => files.map((one) => (one === null ? "" : `+${one.added} -${one.removed} ~${one.changed}`)).join(" "),
      weight: 5,
    },
  ];
}

/** With the names it had before. */
function artifactName({ path, values }: Pick<ArtifactDifference, "path" | "values">): string {
  const named = values.flatMap((value) => (value === null ? [] : [value.path]));
  return [...new Set([...named, path])].join(" → ");
}

/** Files of a folder that are in the text; `--json` names more. */
const SHOWN_FILES = 10;

/** One section for each version whose folder is another than the first's. */
function fileSections({ path, files }: ArtifactDifference, names: readonly string[], terminal: Terminal): string[] {
  return files.flatMap((one, index) => {
    if (one === null) return [];
    const shown = one.named.slice(0, SHOWN_FILES);
    const left = one.added + one.removed + one.changed - shown.length;
    const table = renderTable(FILE_COLUMNS, shown, terminal);
    const notes = [...(left === 0 ? [] : [`${left} more`]), ...widthNote(table, "--json has it whole")];
    return [`${terminal.style("bold", `${path} ${names[0]}..${names[index + 1]}`)}\n${table.text}${renderNotes(notes, terminal)}`];
  });
}

const FILE_COLUMNS: Column<FileChange>[] = [
  { title: "is", text: ({ change }) => change, weight: 9 },
  { title: "file", text: ({ path }) => path, ...NAME },
  { title: "before", text: ({ sizes }) => sizeOf(sizes[0]), align: "right", weight: 8 },
  { title: "after", text: ({ sizes }) => sizeOf(sizes[1]), align: "right", weight: 8 },
];

function sizeOf(bytes: number | null): string {
  return bytes === null ? "–" : formatBytes(bytes);
}

function packageSection({ file, from, to, difference, missing }: PackageDifference, terminal: Terminal): string {
  const head = terminal.style("bold", `${file === null ? "installed packages" : `packages of ${file}`} ${from}..${to}`);
  if (difference === null)
    return `${head}\n${renderNotes([`not known: ${missing.join(" and ")} ran with bytes of it that are in no commit`], terminal)}`;
  const { added, removed, changed, named } = difference;
  if (named.length === 0) return `${head}\n${renderNotes(["the same, in other words"], terminal)}`;
  const shown = named.slice(0, SHOWN_PACKAGES);
  const left = named.length === shown.length ? [] : [`+${added} -${removed} ~${changed}, ${added + removed + changed - shown.length} more`];
  const table = renderTable(PACKAGE_COLUMNS, shown, terminal);
  return `${head}\n${table.text}${renderNotes([...left, ...widthNote(table, "--json has it whole")], terminal)}`;
}

/** Packages that are in the text; `--json` names more. */
const SHOWN_PACKAGES = 20;

const PACKAGE_COLUMNS: Column<PackageChange>[] = [
  { title: "is", text: ({ change }) => change, weight: 4 },
  { title: "package", text: ({ name }) => name, ...NAME },
  { title: "before", text: ({ versions }) => versions[0] ?? "–", weight: 8, shrinkTo: 12 },
  { title: "after", text: ({ versions }) => versions[1] ?? "–", weight: 8, shrinkTo: 12 },
];

function tableSection({ path, from, to, difference, missing }: TableChange, terminal: Terminal): string {
  const head = terminal.style("bold", `rows of ${oneLine(path)} ${from}..${to}`);
  if (difference === null) {
    return `${head}\n${renderNotes([`the bytes of ${missing.join(" and ")} are not in the cache: expver data fetch, expver sync`], terminal)}`;
  }
  const { before, after, added, removed, changed, columns, cells, examples } = difference;
  const schema = [
    ...columns.added.map((name) => `+${name}`),
    ...columns.removed.map((name) => `-${name}`),
    ...columns.retyped.map((column) => `${column.name} ${column.from} → ${column.to}`),
  ];
  const value = (text: string | null) => (text === null ? "(none)" : oneLine(text));
  const lines: [string, string][] = [
    ["rows", `${before} → ${after}`],
    ["differ", `+${added} -${removed}${changed === null ? "" : ` ~${changed}`}`],
    ...(schema.length > 0 ? [["columns", schema.map(oneLine).join(", ")] as [string, string]] : []),
    ...Object.entries(cells).map(([name, count], index): [string, string] => [index === 0 ? "cells" : "", `${oneLine(name)} ${count}`]),
    ...examples.map(({ key, column, from: old, to: now }, index): [string, string] => {
      const named = Object.entries(key).map(([name, text]) => `${oneLine(name)}=${value(text)}`);
      return [index === 0 ? "first" : "", `${named.join(" ")}  ${oneLine(column)} ${value(old)} → ${value(now)}`];
    }),
  ];
  return `${head}\n${lines.map(([word, text]) => `  ${word.padEnd(8)}${text}\n`).join("")}`;
}

function codeSection({ from, to, files, patch }: CodeDifference, terminal: Terminal): string {
  const head = terminal.style("bold", `code ${from}..${to}`);
  if (files.length === 0) return `${head}\n${renderNotes(["the same"], terminal)}`;
  if (patch !== null)
    return `${head}\n${patch
      .split("\n")
      .map((line) => patchLine(line, terminal))
      .join("\n")}`;
  const columns: Column<CodeDifference["files"][number]>[] = [
    { title: "file", text: ({ path, was }) => (was === null ? path : `${was} → ${path}`), ...NAME },
    { title: "added", text: ({ added }) => (added === null ? "binary" : `+${added}`), align: "right", weight: 9, style: "green" },
    { title: "removed", text: ({ removed }) => (removed === null ? "" : `-${removed}`), align: "right", weight: 9, style: "red" },
  ];
  return `${head}\n${renderTable(columns, files, terminal).text}`;
}

/** Git's own marks say it, colour only helps. */
function patchLine(line: string, { style }: Terminal): string {
  if (/^(diff |index |--- |\+\+\+ |(new|deleted) file |similarity |rename )/.test(line)) return style("bold", line);
  if (line.startsWith("@@")) return style("cyan", line);
  return line.startsWith("+") ? style("green", line) : line.startsWith("-") ? style("red", line) : line;
}
