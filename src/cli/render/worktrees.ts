/** Worktrees as text: made, listed, removed. */

import { counted } from "../../platform/words.ts";
import type { CheckedOut } from "../../workflows/checkout.ts";
import type { CleanedUp } from "../../workflows/cleanup.ts";
import type { DiskUse } from "../../workflows/worktree/disk.ts";
import type { Removed } from "../../workflows/worktree/remove.ts";
import type { CreatedWorktree } from "../../workflows/worktree-create.ts";
import type { FinishedExperiment } from "../../workflows/worktree-finish.ts";
import type { ListedWorktree } from "../../workflows/worktrees.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { type Column, renderNotes, renderTable, widthNote } from "./table.ts";

export function renderCheckout({ version, root, files, missing, disk, made, next }: CheckedOut, terminal: Terminal): string {
  const head = made ? `${version} as it was, in ${root}  (${files} data files${diskNote(disk)})` : `${version} is in ${root} already`;
  return lines([head, ...missingLine(missing), ...nextLines(next, terminal)]);
}

export function renderWorktreeCreate(
  { root, branch, files, missing, disk, copied, absent, next }: CreatedWorktree,
  terminal: Terminal,
): string {
  const left = absent.length === 0 ? [] : [`  not there, because Git ignores it (--copy takes it along): ${absent.join(", ")}`];
  const taken = copied.length === 0 ? [] : [`  taken along: ${copied.join(", ")}`];
  return lines([
    `${terminal.style("bold", branch)} in ${root}  (${files} data files${diskNote(disk)})`,
    ...missingLine(missing),
    ...taken,
    ...left,
    ...nextLines(next, terminal),
  ]);
}

export function renderWorktrees({ worktrees }: { worktrees: ListedWorktree[] }, terminal: Terminal): string {
  const columns: Column<ListedWorktree>[] = [
    { title: "is", text: ({ kind, name }) => (name === null ? kind : `${kind} ${name}`), shrinkTo: 26, keepsEnd: true },
    {
      title: "on",
      text: ({ branch, commit }) => branch ?? (commit === null ? "" : `${commit.slice(0, 12)} (detached)`),
      // Mostly what its name says already; what would be lost with it comes first.
      weight: 5,
      shrinkTo: 16,
      keepsEnd: true,
    },
    { title: "commits", text: ({ ahead, behind }) => commitsText(ahead, behind), weight: 7 },
    { title: "state", text: stateText, weight: 9, shrinkTo: 26 },
    ...(worktrees.some(({ findings }) => findings !== null) ? [nowhereElse] : []),
    { title: "path", text: ({ root }) => root, weight: 6, shrinkTo: 24, keepsEnd: true },
  ];
  const table = renderTable(columns, worktrees, terminal);
  return table.text + renderNotes(widthNote(table, "--json has it whole"), terminal);
}

const nowhereElse: Column<ListedWorktree> = {
  title: "has nowhere else",
  text: ({ findings }) => (findings ?? []).map(({ what }) => what).join("; "),
  weight: 8,
  shrinkTo: 24,
};

function commitsText(ahead: number | null, behind: number | null): string {
  return [ahead ? `${ahead} ahead` : "", behind ? `${behind} behind` : ""].filter(Boolean).join(", ");
}

function stateText({ problem, changed, untracked, data, rows, unpublished, run, processes, locked }: ListedWorktree): string {
  const amount = (count: number | null | undefined, text: (count: number) => string) => (count ? [text(count)] : []);
  return [
    ...(problem === null ? [] : [problem]),
    ...(run === null ? [] : [`run ${run} goes on`]),
    ...(run === null ? amount(processes.length, (count) => counted(count, "program at work", "programs at work")) : []),
    ...amount(changed, (count) => `${count} changed`),
    ...amount(untracked, (count) => `${count} untracked`),
    ...amount(data?.changed, (count) => `data: ${count} changed`),
    ...amount(data?.missing, (count) => `data: ${count} not here`),
    ...amount(rows, (count) => `${counted(count, "row")} not merged`),
    ...(unpublished.length === 0 ? [] : [`not published: ${unpublished.join(", ")}`]),
    ...(locked === null ? [] : ["locked"]),
  ].join("; ");
}

export function renderCleanup({ removed, left }: CleanedUp): string {
  if (removed.length === 0 && left.length === 0) return "there are no exploration worktrees\n";
  return lines(removed.map(removedLine));
}

export function renderWorktreeRemove(removed: Removed): string {
  return lines([removedLine(removed)]);
}

export function renderWorktreeFinish(done: FinishedExperiment, terminal: Terminal): string {
  const { name, experiment, version, commit, model, published, removed, next } = done;
  const { style } = terminal;
  const line = (word: string, text: string) => `  ${style("dim", word.padEnd(10))}${text}`;
  return lines([
    `${style("bold", name)}  ${version === null ? "nothing to merge" : `is ${version} now`}`,
    ...(experiment === null ? [] : [line("experiment", ` ${experiment}`)]),
    ...(commit === null ? [] : [line("commit", ` ${commit.slice(0, 12)}`)]),
    ...(model === null ? [] : [line("model", ` ${model.path}${model.as === "production" ? ", in production" : ", a candidate"}`)]),
    ...(published.length === 0 ? [] : [line("published", ` ${published.join(", ")}`)]),
    ...(removed === null ? [] : [line("removed", ` ${removedLine(removed).replace(/^removed /, "")}`)]),
    ...nextLines(next, terminal),
  ]);
}

function removedLine({ root, branch, trash }: Removed): string {
  return `removed ${root}${branch === null ? "" : ` and branch ${branch}`}${trash === null ? "" : `  (now in ${trash})`}`;
}

/** What is not the cache's anyway. */
function diskNote(disk: DiskUse | null): string {
  if (disk === null) return "";
  const shared = disk.shared === 0 ? "" : `, ${formatBytes(disk.shared)} more shared with the cache`;
  return `; ${formatBytes(disk.bytes - disk.shared)} of disk${shared}`;
}

function missingLine(missing: readonly string[]): string[] {
  return missing.length === 0 ? [] : [`  bytes are nowhere here: ${missing.join(", ")}; expver data pull, there, when a remote has them`];
}

function nextLines(next: readonly string[], { style }: Terminal): string[] {
  return next.map((line) => `  ${style("dim", "next")}  ${line}`);
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
