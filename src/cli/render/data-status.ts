/** `expver data status` and `expver data data status` as text, in dvc's layout. */
import { batchesOf } from "../../platform/pace.ts";
import type { DataChanges, DataStatusResult } from "../../workflows/data/changes/data-status.ts";
import type { CloudStatus, DataStatus, LocalStatus } from "../../workflows/data/changes/status.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";

export function renderDataStatus({ json, outputs, remotes }: DataStatus): string {
  if (remotes !== null) return renderCloud(json as CloudStatus, remotes);
  if (Object.keys(json).length > 0) return renderLocal(json as LocalStatus);
  return outputs.length === 0 ? "Nothing is tracked yet: expver data add PATH" : "Data and pipelines are up to date.";
}

function renderLocal(status: LocalStatus): string {
  return Object.entries(status)
    .flatMap(([address, changes]) => [
      `${oneLine(address)}:`,
      ...changes.flatMap((change) =>
        typeof change === "string" ? [`\t${change}`] : Object.entries(change).flatMap(([kind, paths]) => [`\t${kind}:`, ...saidOf(paths)]),
      ),
    ])
    .join("\n");
}

function saidOf(paths: Record<string, string | Record<string, string>>, indent = "\t\t"): string[] {
  return Object.entries(paths).flatMap(([path, said]) =>
    typeof said === "string"
      ? [`${indent}${`${said}:`.padEnd(20)}${oneLine(path)}`]
      : [`${indent}${oneLine(path)}:`, ...saidOf(said, `${indent}\t`)],
  );
}

function renderCloud(status: CloudStatus, remotes: readonly string[]): string {
  const entries = Object.entries(status);
  if (entries.length === 0)
    return `Cache and ${remotes.length > 1 ? "remotes" : "remote"} ${remotes.map((name) => `'${name}'`).join(", ")} are in sync.`;
  return entries.map(([path, said]) => `\t${`${said}:`.padEnd(20)}${oneLine(path)}`).join("\n");
}

const SECTIONS: [key: keyof DataChanges, label: string, colour: Parameters<Terminal["style"]>[0], hints: string[]][] = [
  ["not_in_cache", "Not in cache", "red", ['use "expver data fetch <file>..." to download files']],
  ["not_in_remote", "Not in remote", "red", ['use "expver data push <file>..." to upload files']],
  ["committed", "DVC committed changes", "green", ["git commit the corresponding dvc files to update the repo"]],
  [
    "uncommitted",
    "DVC uncommitted changes",
    "yellow",
    ['use "expver data commit <file>..." to track changes', 'use "expver data checkout <file>..." to discard changes'],
  ],
  ["untracked", "Untracked files", "cyan", ['use "git add <file> ..." or "expver data add <file>..." to commit to git or to dvc']],
  ["unchanged", "DVC unchanged files", "reset", []],
];

export function renderDataDataStatus({ json, isEmpty, isDirty }: DataStatusResult, { style }: Terminal): string {
  const blocks = SECTIONS.flatMap(([key, label, colour, hints]) => {
    const value = json[key];
    if (value === undefined) return [];
    const line = (text: string) => style(colour, `        ${oneLine(text)}`);
    const groups = Array.isArray(value) ? [linesIn(value, line)] : groupsIn(value, line);
    return [[`${label}:`, ...hints.map((hint) => `  (${hint})`), ...groups.flat()].join("\n")];
  });
  const text = blocks.length > 0 ? blocks.join("\n\n") : isEmpty ? "No changes in an empty git repo." : "No changes.";
  const other = blocks.length > 0 ? "other " : "";
  return isDirty ? `${text}\n(there are ${other}changes not tracked by dvc, use "git status" to see)` : text;
}

function groupsIn(group: NonNullable<DataChanges["committed"]>, line: (text: string) => string): string[][] {
  return Object.entries(group).map(([state, paths]) =>
    linesIn<string | { old: string; new: string }>(paths, (path) =>
      line(`${state}: ${typeof path === "string" ? path : `${path.old} -> ${path.new}`}`),
    ),
  );
}

/** Texts of many lines each: a line of its own for each of a million paths would be the most of a command's memory. */
function linesIn<One>(items: readonly One[], line: (item: One) => string): string[] {
  return Array.from(batchesOf(items), (some) => some.map(line).join("\n"));
}
