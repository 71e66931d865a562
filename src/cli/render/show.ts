/** `expver show` as text: the tag, then its chain, numbers, runs and bytes. */

import type { ShownArtifact } from "../../workflows/show/artifacts.ts";
import type { ShownRun } from "../../workflows/show/runs.ts";
import type { ShownVersion } from "../../workflows/show.ts";
import { duration, formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine, textWidth, wrapText } from "../text-width.ts";
import { pairsInLine, renderPairs } from "./pairs.ts";
import { type Column, renderNotes, renderTable, type Table, widthNote } from "./table.ts";
import { localTime } from "./time.ts";

const RUNS_SHOWN = 20;

export function renderShow(shown: ShownVersion, terminal: Terminal): string {
  if (shown.packages !== null) return requirementsOf(shown.packages);
  const { style } = terminal;
  const marks = marksOf(shown);
  const head = `${style("yellow", shown.version)}${marks === "" ? "" : `  ${marks}`}`;
  const sections = [
    [
      head,
      paragraph(shown.line, terminal),
      ...(shown.body === "" ? [] : ["", ...shown.body.split("\n").map((line) => paragraph(line, terminal))]),
    ].join("\n"),
    renderPairs(chainOf(shown), terminal, 2),
    titled("params", renderPairs(Object.entries(shown.params), terminal, 2), style),
    titled(
      "metrics",
      renderPairs(
        shown.metrics.map((metric) => [metric.name, metricText(metric)]),
        terminal,
        2,
      ),
      style,
    ),
    runsSection(shown, terminal),
    artifactsSection(shown, terminal),
    titled("ran on", renderPairs(environmentOf(shown), terminal, 2), style),
    titled("problems", shown.problems.map((text) => paragraph(text, terminal)).join("\n"), style),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function marksOf({ kind, runs, onBranch, unpublished }: ShownVersion): string {
  return [
    kind ?? "unrecorded: its tag has no trailers",
    ...(runs.runs.length > 1 ? [`${runs.runs.length} runs`] : []),
    ...(onBranch ? [] : ["off-branch"]),
    ...(unpublished === true ? ["not published"] : []),
  ].join(" · ");
}

function chainOf(shown: ShownVersion): [string, string][] {
  const { date, tagger, tag, commit, subject, code, dataHash, bestRun, merged, other } = shown;
  const said: [string, string | null][] = [
    [
      "tagged",
      `${localTime(date)}${tagger === null ? "" : ` by ${tagger}`}${tag === null ? " (lightweight: the text is the commit's)" : ""}`,
    ],
    ["tag", tag],
    ["results", `${commit}  ${subject}`],
    ["code", code === null ? null : `${code.commit}${code.here ? "" : "  (not in this repository: fetch refs/expver/runs/*)"}`],
    ["data hash", dataHash],
    ["best run", bestRun],
    ["merged", merged.length === 0 ? null : merged.join(", ")],
    ...other.map(([key, value]): [string, string] => [key, value]),
  ];
  return said.flatMap(([key, value]) => (value === null ? [] : [[key, value] as [string, string]]));
}

/** A line for pip each; what pip cannot install is a comment. */
function requirementsOf(packages: Record<string, string>): string {
  const lines = Object.entries(packages).map(([name, version]) => {
    const [number = "", source] = version.split(" ");
    const line = `${name}==${number}`;
    return name.startsWith("conda:")
      ? `# ${line}`
      : `${line}${source === undefined ? "" : `  # from a repository, at ${source.slice(1, -1)}`}`;
  });
  return `${lines.join("\n")}\n`;
}

/** Lock files are compared by `diff`. */
function environmentOf({ version, environment }: ShownVersion): [string, string][] {
  const { program, platform, cpu, memory, gpus, driver, devices, host, packages } = environment;
  const said: [string, string | undefined][] = [
    ["program", program],
    ["packages", packages && `${packages}  (expver show ${version} --packages)`],
    ["platform", platform],
    ["cpu", cpu],
    ["memory", memory && formatBytes(Number(memory))],
    ["gpus", gpus],
    ["driver", driver],
    ["devices", devices],
    ["host", host],
  ];
  return said.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as [string, string]]));
}

function metricText({ value, direction, source }: ShownVersion["metrics"][number]): string {
  if (direction === null) return value;
  return `${value}  (${direction === "max" ? "highest" : "lowest"} is best${source === "guess" ? ", a guess from the name" : ""})`;
}

function runsSection({ runs, bestRun, recorded }: ShownVersion, terminal: Terminal): string {
  const notes = [
    ...(runs.runs.length > RUNS_SHOWN ? [`${runs.runs.length - RUNS_SHOWN} more: expver show --json`] : []),
    ...(runs.unknown === null ? [] : [`${runs.runs.length === 0 && !recorded ? "unknown" : "known by name only"}: ${runs.unknown}`]),
    ...(runs.rows === null || runs.rows === 0 ? [] : [`${runs.rows} ${runs.rows === 1 ? "row carries" : "rows carry"} this version`]),
  ];
  if (runs.runs.length === 0 && notes.length === 0) return "";
  const columns: Column<ShownRun>[] = [
    { title: "run", text: ({ run }) => (run === bestRun ? `${run} *` : run) },
    {
      title: "status",
      text: ({ status, exitCode }) => (status === "failed" && exitCode !== null ? `failed (${exitCode})` : (status ?? "")),
      weight: 9,
    },
    { title: "took", text: ({ seconds }) => (seconds === null ? "" : duration(seconds)), align: "right", weight: 5 },
    { title: "rows", text: ({ rows }) => (rows === null ? "" : String(rows)), align: "right", weight: 6 },
    { title: "metrics", text: ({ metrics }) => pairsInLine(metrics, " "), weight: 8, shrinkTo: 20 },
    { title: "params", text: ({ params }) => pairsInLine(params, " "), weight: 7, shrinkTo: 20 },
    { title: "command", text: ({ command }) => command ?? "", weight: 4, shrinkTo: 16 },
  ];
  const shown = runs.runs.slice(0, RUNS_SHOWN);
  if (shown.length === 0) return titled("runs", notes.map(indent).join("\n"), terminal.style);
  return titled("runs", tableText(renderTable(columns, shown, narrowed(terminal)), notes, terminal), terminal.style);
}

function artifactsSection({ artifacts }: ShownVersion, terminal: Terminal): string {
  if (artifacts.length === 0) return "";
  const columns: Column<ShownArtifact>[] = [
    { title: "is", text: ({ role }) => role, weight: 5 },
    { title: "path", text: ({ path }) => path, shrinkTo: 24, keepsEnd: true },
    { title: "hash", text: ({ hash }) => hash, weight: 8, shrinkTo: 9 },
    { title: "size", text: ({ size }) => (size === null ? "" : formatBytes(size)), align: "right", weight: 7 },
    { title: "files", text: ({ nfiles }) => (nfiles === null ? "" : String(nfiles)), align: "right", weight: 4 },
    { title: "bytes are", text: placesOf, weight: 9 },
  ];
  const table = renderTable(columns, artifacts, narrowed(terminal));
  return titled("tracked", tableText(table, [], terminal), terminal.style);
}

function tableText(table: Table, notes: readonly string[], terminal: Terminal): string {
  const below = renderNotes([...notes, ...widthNote(table, "--json has it whole")], narrowed(terminal));
  return (table.text + below).trimEnd().split("\n").map(indent).join("\n");
}

function placesOf({ cache, remotes }: ShownArtifact): string {
  const places = [
    ...(cache === "absent" ? [] : [cache === "partial" ? "cache (not all files)" : "cache"]),
    ...remotes.map((name) => `remote ${name}`),
  ];
  return places.length === 0 ? "not on this machine" : places.join(", ");
}

function titled(title: string, text: string, style: Terminal["style"]): string {
  return text === "" ? "" : `${style("bold", title)}\n${text}`;
}

function paragraph(text: string, { width }: Terminal): string {
  const line = oneLine(text);
  return (textWidth(line) + 2 <= width ? line : wrapText(line, width - 2)).split("\n").map(indent).join("\n");
}

function indent(line: string): string {
  return line === "" ? "" : `  ${line}`;
}

function narrowed(terminal: Terminal): Terminal {
  return { ...terminal, width: terminal.width - 2 };
}
