/** `expver lineage` and `expver uses` as text. */
import type { Lineage, Source } from "../../provenance/lineage.ts";
import type { FoundUse, Uses } from "../../workflows/uses.ts";
import type { Terminal } from "../terminal.ts";
import { type Column, renderNotes, renderTable } from "./table.ts";
import { localTime } from "./time.ts";

export function renderLineage(lineage: Lineage, { style }: Terminal): string {
  return `${tell(lineage, 0).join("\n")}\n`;

  function tell({ version, kind, code, runs, inputs, models, outputs, merged, from }: Lineage, depth: number): string[] {
    const pad = "  ".repeat(depth * 2);
    const line = (word: string, text: string) => `${pad}  ${style("dim", word.padEnd(8))}${text}`;
    const own = [...models, ...outputs].filter(({ madeBy }) => madeBy === version);
    // What an earlier one's pipeline made is told there.
    const other = [...models.filter(({ madeBy }) => madeBy !== version), ...outputs.filter(({ madeBy }) => madeBy === null)];
    return [
      `${pad}${style("bold", version)}  ${kind ?? "unrecorded"}${runs.length > 0 ? `  ${runs.slice(0, 3).join(" ")}${runs.length > 3 ? " …" : ""}` : ""}`,
      ...own.map((source) => line("made", `${source.path}  ${source.hash.slice(0, 6)}${overText(source)}`)),
      line("code", code === null ? "unrecorded" : code.slice(0, 12)),
      ...inputs.map((source) => line("data", sourceText(source, version))),
      ...other.map((source) => line("has", sourceText(source, version))),
      ...(merged.length > 0
        ? [line("merged", merged.map((name) => (/^[0-9a-f]{40}$/.test(name) ? name.slice(0, 12) : name)).join(", "))]
        : []),
      ...from.flatMap((one) => tell(one, depth + 1)),
    ];
  }
}

/** Whether its program has read that nobody knows. */
function overText({ over }: Source): string {
  if (over === null) return "";
  return `  (over ${over.hash.slice(0, 6)}${over.madeBy === null ? "" : `, made by ${over.madeBy}`})`;
}

function sourceText({ path, hash, madeBy, since, isImport }: Source, version: string): string {
  const origin =
    madeBy !== null && madeBy !== version ? `made by ${madeBy}` : isImport ? "imported" : since === version ? "new" : `as in ${since}`;
  return `${path}  ${hash.slice(0, 6)}  (${origin})`;
}

export function renderUses({ asked, kind, uses, elsewhere, unknown }: Uses, terminal: Terminal): string {
  const others = elsewhere.slice(0, 3).map(({ path, version }) => `${path} in ${version}`);
  const [first] = uses;
  const notes = [
    ...(first?.role === "candidate" ? ["a run left it, and the version keeps better ones: expver models get CANDIDATE, by its path"] : []),
    ...(kind === "file" && first !== undefined && first.role !== "candidate"
      ? [`${first.version} is the first that has these bytes: expver show ${first.version}`]
      : []),
    ...(elsewhere.length === 0 ? [] : [`the same bytes under another path: ${others.join(", ")}${elsewhere.length > 3 ? " …" : ""}`]),
    ...(unknown === 0 ? [] : [`${unknown} folders could not be looked into: their listings are not in the cache (expver sync)`]),
  ];
  if (uses.length === 0) return `no version came of ${asked}\n${renderNotes(notes, terminal)}`;
  const columns: Column<FoundUse>[] = [
    { title: "version", text: ({ version }) => version, style: "yellow" },
    { title: "as", text: ({ role }) => role, weight: 8 },
    { title: "path", text: ({ path }) => path ?? "", weight: 9 },
    ...(kind === "version" ? [] : [{ title: "hash", text: ({ hash }: FoundUse) => hash?.slice(0, 6) ?? "", weight: 7 }]),
    { title: "date", text: ({ date }) => localTime(date), weight: 4 },
    { title: "", text: ({ description }) => description, weight: 3, shrinkTo: 12 },
  ];
  return `${renderTable(columns, uses, terminal).text}${renderNotes(notes, terminal)}`;
}
