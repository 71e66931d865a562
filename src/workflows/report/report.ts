/** `expver report`: the versions as Markdown, what the latest changed, and a picture of the metric; for a pull request or a wiki. */

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { openProject } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { own } from "../../platform/mapping.ts";
import { shortened, someOf } from "../../platform/words.ts";
import { compareAge } from "../../versions/tag-name.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { diff, type VersionsDiff } from "../diff.ts";
import { countOf, textIn } from "../input.ts";
import type { ListedVersion } from "../list/listed.ts";
import { list, type VersionList } from "../list.ts";
import { fingerprintOf } from "../plan.ts";
import { isOurChart, metricChart } from "./chart.ts";
import { reportPlaces } from "./places.ts";
import { putFiles } from "./put-files.ts";

export interface Report {
  /** The version that is reported on: the one named, else the newest. */
  version: string | null;
  /** What it is compared with. */
  against: string | null;
  best: string | null;
  markdown: string;
  /** Absolute paths; empty without --out. */
  written: string[];
}

export interface ReportPlan extends Plan {
  report: Report;
  files: { path: string; text: string }[];
}

const ROWS = 10;
/** First line of a report: a file that begins with it may be replaced by the next one. */
const MARK = "<!-- expver report -->";

export const report: WriteWorkflow<Input, ReportPlan, Report> = {
  async plan(context, input) {
    openProject(context);
    const all = await list.read(context, { all: true, ...(typeof input.sort === "string" ? { sort: input.sort } : {}) });
    const chosen = chooseVersions(all, input);
    const compared =
      chosen.version !== null && chosen.against !== null ? await diff.read(context, { version: [chosen.against, chosen.version] }) : null;
    const rows = input.limit === undefined ? ROWS : countOf(input.limit, "-n");
    const out = textIn(input.out);
    const places = out === undefined ? null : reportPlaces(context, out);
    const picture = places === null ? null : pictureOf(all, chosen.best);
    const markdown = markdownOf(all, {
      ...chosen,
      compared,
      rows,
      picture: picture === null || places === null ? null : basename(places.picture),
    });
    const files =
      places === null
        ? []
        : [{ path: places.page, text: markdown }, ...(picture === null ? [] : [{ path: places.picture, text: picture }])];
    for (const { path, text } of files) refuseOthers(path, text, input.force === true);
    return {
      command: "report",
      steps: files.map(({ path }) => ({ verb: "write", target: path, ...(existsSync(path) ? { keeps: "the trash" } : {}) })),
      destructive: false,
      fingerprint: fingerprintOf({ files }),
      report: { ...chosen, markdown, written: files.map(({ path }) => path) },
      files,
    };
  },
  async apply(context, { files, report: made }) {
    await putFiles(context, files);
    return made;
  },
};

type Chosen = Pick<Report, "version" | "against" | "best">;

/** The newest against the best of the others, unless they are named. */
function chooseVersions({ versions, sort }: VersionList, input: Input): Chosen {
  const named = textIn(input.version);
  const byDate = versions.toSorted((one, other) => compareAge(other, one));
  const version = named ?? byDate[0]?.version ?? null;
  const ranks = sort.by === "metric" ? versions.flatMap((one) => (one.rank === null ? [] : [{ ...one, rank: one.rank }])) : [];
  // The list may be asked for the worst first.
  const ranked = ranks.toSorted((one, other) => one.rank - other.rank);
  const best = ranked[0]?.version ?? null;
  const against =
    textIn(input.against) ??
    ranked.find((one) => one.version !== version)?.version ??
    byDate.find((one) => one.version !== version)?.version ??
    null;
  return { version, against, best };
}

function pictureOf({ versions, sort }: VersionList, best: string | null): string | null {
  if (sort.by !== "metric") return null;
  const { metric, direction } = sort;
  const points = versions.toSorted(compareAge).flatMap(({ version, metrics }) => {
    const value = own(metrics, metric);
    return value === undefined ? [] : [{ version, value }];
  });
  return metricChart(points, { metric, direction, best });
}

function refuseOthers(path: string, text: string, isForced: boolean): void {
  const there = readTextIfExists(path);
  if (there === null || there === text || isForced || there.startsWith(MARK) || isOurChart(there)) return;
  throw new ExpverError("E_UNSAVED", `${path} is there already and no report`, {
    hint: "Name another file or folder with --out, or replace it with --force.",
    details: { path },
  });
}

interface Facts extends Chosen {
  compared: VersionsDiff | null;
  rows: number;
  picture: string | null;
}

function markdownOf(all: VersionList, facts: Facts): string {
  const { versions, sort } = all;
  const { version, against, best, compared, rows, picture } = facts;
  if (versions.length === 0) return `${MARK}\n# Experiments\n\nThere is no version yet.\n`;
  const metric = sort.by === "metric" ? sort.metric : null;
  const winner = versions.find((one) => one.version === best);
  return [
    MARK,
    "# Experiments",
    "",
    ...(winner === undefined || metric === null
      ? []
      : [`Best: **${cell(winner.version)}**, ${cell(metric)} = ${cell(own(winner.metrics, metric) ?? "")}.`, ""]),
    ...(picture === null ? [] : [`![${cell(metric ?? "metric")} over the versions](${address(picture)})`, ""]),
    ...(compared === null || version === null
      ? []
      : [`## ${cell(version)} against ${cell(against ?? "")}`, "", ...differenceLines(compared), ""]),
    `## Versions${versions.length > rows ? ` (${rows} of ${versions.length})` : ""}`,
    "",
    ...versionLines(versions.slice(0, rows), all),
    "",
  ].join("\n");
}

function differenceLines({ params, metrics, artifacts, code, versions }: VersionsDiff): string[] {
  const [before = "", after = ""] = versions.map((one) => one.version);
  const rows = [
    ...metrics
      .filter(({ differs }) => differs)
      .map(({ name, values: [old, now], deltas: [delta], verdicts: [verdict] }) => [
        name,
        old ?? "",
        now ?? "",
        [delta, verdict].filter(Boolean).join(" "),
      ]),
    ...params.filter(({ differs }) => differs).map(({ name, values: [old, now] }) => [name, old ?? "", now ?? "", "parameter"]),
    ...artifacts
      .filter(({ differs }) => differs)
      .map(({ path, role, values: [old, now] }) => [
        old && old.path !== path ? `${old.path} → ${path}` : path,
        (old?.hash ?? "").slice(0, 8),
        (now?.hash ?? "").slice(0, 8),
        role,
      ]),
  ];
  const files = code.flatMap((one) => one.files).map(({ path, added, removed }) => `${cell(path)} (+${added ?? "?"} −${removed ?? "?"})`);
  const codeLine = files.length === 0 ? "Code: the same." : `Code: ${someOf(files, 8)}.`;
  if (rows.length === 0) return ["Nothing recorded differs.", "", codeLine];
  return [...table(["", before, after, "difference"], rows), "", codeLine];
}

function versionLines(versions: readonly ListedVersion[], { metrics, params }: VersionList): string[] {
  const [shownMetrics, shownParams] = [metrics.slice(0, 4), params.slice(0, 4)];
  const rows = versions.map((one) => [
    one.version,
    ...shownMetrics.map((name) => own(one.metrics, name) ?? ""),
    ...shownParams.map((name) => own(one.params, name) ?? ""),
    one.data?.slice(0, 6) ?? "",
    one.description,
  ]);
  return table(["version", ...shownMetrics, ...shownParams, "data", "description"], rows);
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(heading), `| ${heading.map(() => "---").join(" | ")} |`, ...rows.map(line)];
}

/** So much of a value: an unbroken one makes the table as wide. */
const LONGEST_CELL = 200;
const LONGEST_WORD = 60;

/** What experiments wrote is text: no Markdown, no HTML, no mention, no new line of it comes through. */
function cell(text: string): string {
  return (
    shortened(text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}]+/gu, " "), LONGEST_CELL)
      .split(" ")
      .map((word) => shortened(word, LONGEST_WORD))
      .join(" ")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/[\\`*_[\]|~!]/g, (one) => `\\${one}`)
      // Hosts look for mentions, numbers of issues, addresses and small pictures in the text that is left after Markdown: a comment parts them.
      .replace(/[@#]|:(?=\/\/|[\w+-]+:)|\/(?=\/)|www(?=\.)|GH(?=-\d)/gi, (one) => `${one}<!-- -->`)
      // For formulas they look earlier.
      .replace(/\$/g, "<span>$$</span>")
  );
}

/** A file's name as a link's target. */
function address(name: string): string {
  return encodeURIComponent(name).replace(/[()'*!~]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
}
