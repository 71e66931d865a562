/** The results of `expver data …` as text. */

import { counted } from "../../platform/words.ts";
import type { CheckoutResult } from "../../workflows/data/cache/checkout.ts";
import type { GcResult } from "../../workflows/data/cache/gc.ts";
import type { DataVerifyResult } from "../../workflows/data/cache/verify.ts";
import type { DestroyResult } from "../../workflows/data/destroy.ts";
import type { DataInitResult } from "../../workflows/data/init.ts";
import type { LinesResult } from "../../workflows/data/root.ts";
import type { ConfigResult } from "../../workflows/data/settings/config-plan.ts";
import type { GetResult } from "../../workflows/data/sources/get.ts";
import type { ImportResult } from "../../workflows/data/sources/import.ts";
import type { UpdateResult } from "../../workflows/data/sources/update.ts";
import type { AddResult } from "../../workflows/data/tracking/add.ts";
import type { AddedOutput } from "../../workflows/data/tracking/add-members.ts";
import type { CommitResult } from "../../workflows/data/tracking/commit.ts";
import type { FreezeResult } from "../../workflows/data/tracking/freeze.ts";
import type { MoveResult } from "../../workflows/data/tracking/move.ts";
import type { RemoveResult } from "../../workflows/data/tracking/remove.ts";
import type { FetchResult, PullResult } from "../../workflows/data/transfer/fetch.ts";
import type { PushResult } from "../../workflows/data/transfer/push.ts";
import { formatBytes } from "../amounts.ts";
import { oneLine } from "../text-width.ts";

const UP_TO_DATE = "Everything is up to date.";

export function renderDataAdd({ added }: AddResult): string {
  return added.map(outputLine).join("\n");
}

export function renderDataCommit({ committed, stages }: CommitResult): string {
  const lines = [...committed.map(outputLine), ...stages.map((stage) => `  note   stage ${oneLine(stage)}, in dvc.lock`)];
  return lines.length === 0 ? UP_TO_DATE : lines.join("\n");
}

export function renderDataInit({ root, written }: DataInitResult): string {
  return `  ready  ${root}: ${written.map(oneLine).join(", ")}`;
}

export function renderDataCheckout({ added, modified, deleted, stats, relinked, summary }: CheckoutResult): string {
  const lines = (letter: string, paths: readonly string[]) => paths.map((path) => `${letter}       ${oneLine(path)}`);
  const changes = summary ? [summaryOf(stats) || "No changes."] : [...lines("M", modified), ...lines("A", added), ...lines("D", deleted)];
  return [...changes, ...(relinked ? ["Relinked successfully"] : [])].join("\n");
}

/** Of a push or a fetch. */
export function renderTransferred(moved: PushResult | FetchResult): string {
  if (!("pushed" in moved)) return summaryOf({ fetched: moved.fetched }) || UP_TO_DATE;
  const { pushed, recorded } = moved;
  return (
    summaryOf({ pushed }) || (recorded.length === 0 ? UP_TO_DATE : "Every file is there already: only its version had to be written down.")
  );
}

export function renderDataPull({ fetched, checkout }: PullResult): string {
  const lines = renderDataCheckout({ ...checkout, summary: false });
  return `${lines === "" ? "" : `${lines}\n`}${summaryOf({ fetched, ...checkout.stats }) || UP_TO_DATE}`;
}

export function renderDataRemove({ removed, deleted }: RemoveResult): string {
  return [...removed.map((file) => `  untracked  ${oneLine(file)}`), ...deleted.map((path) => `  deleted    ${oneLine(path)}`)].join("\n");
}

export function renderDataFreeze({ targets, frozen }: FreezeResult): string {
  return targets.map((target) => `  ${frozen ? "frozen" : "not frozen"}  ${oneLine(target)}`).join("\n");
}

export function renderDataMove({ from, to, file }: MoveResult): string {
  return `  move  ${oneLine(from)} → ${oneLine(to)}  (${oneLine(file)})`;
}

export function renderDataDestroy({ removed }: DestroyResult): string {
  return removed.map((path) => `  deleted    ${oneLine(path)}`).join("\n");
}

export function renderDataGet({ url, out, files }: GetResult): string {
  return url ?? `  got  ${oneLine(out)}  (${counted(files, "file")})`;
}

export function renderDataGc({ wouldGo, removed, bytes, removedThere, purged, left }: GcResult): string {
  if (wouldGo !== null) {
    const named = wouldGo.map(
      ({ verb, target, detail, count, bytes: size }) =>
        `  ${verb}  ${oneLine(target)}  ${count === undefined ? "" : `(${counted(count, "object")}${size === undefined ? "" : `, ${formatBytes(size)}`})  `}${oneLine(detail ?? "")}`,
    );
    return [...named, `${counted(removed, "object")} of the cache would go (${formatBytes(bytes)}). Nothing was removed.`].join("\n");
  }
  return [
    removed > 0 ? `Removed ${removed} objects from repo cache. (${formatBytes(bytes)})` : "No unused 'repo' cache to remove.",
    ...(removedThere === null
      ? []
      : [removedThere > 0 ? `Removed ${removedThere} objects from remote.` : "No unused cache to remove from remote."]),
    ...(purged ? ["The cache's trash is empty."] : []),
    ...(left !== null && left.files > 0
      ? [
          `What commands threw away in this repository (${counted(left.files, "file")}, ${formatBytes(left.bytes)}) is in its own trash: \`expver ops purge\` frees it.`,
        ]
      : []),
    ...(removed > 0 && !purged
      ? ["In the trash they take the same room: `expver undo` brings them back, `expver data gc --purge` frees it."]
      : []),
  ].join("\n");
}

export function renderDataVerify({ read, bytes, of, damaged, objects, trash, fetched, remote }: DataVerifyResult): string {
  const part = read < of ? ` of ${of}` : "";
  const head = `Read ${counted(read, "object")}${part} (${formatBytes(bytes)}): ${objects.length === 0 ? "all right" : `${objects.length} damaged`}.`;
  return [
    head,
    ...damaged.map(
      ({ target, detail, count, bytes: size }) =>
        `  damaged  ${oneLine(target)}  ${detail}  (${counted(count, "object")}, ${formatBytes(size)})`,
    ),
    ...(trash === null ? [] : [`They are in ${trash} now.`]),
    ...(remote === null ? [] : [`${fetched} came again from ${remote}.`]),
    ...(trash !== null && fetched < objects.length ? ["Where the files are whole in a worktree: expver data commit -f."] : []),
    ...(objects.length > 0 && trash === null ? ["`expver data verify --repair` takes them out of the cache and fetches them again."] : []),
  ].join("\n");
}

export function renderDataImport({ path, from, content }: ImportResult): string {
  return `  import  ${oneLine(path)}  from ${oneLine(from)}${content === null ? "  (not brought here)" : `  ${content.hash.slice(0, 6)}`}`;
}

export function renderDataUpdate({ updated }: UpdateResult): string {
  return updated.map(({ path, from, changed }) => `  ${changed ? "update" : "same  "}  ${oneLine(path)}  from ${oneLine(from)}`).join("\n");
}

/** As dvc: what was asked for is done, there is nothing to say. */
export function renderNothing(): string {
  return "";
}

export function renderLines({ lines }: LinesResult | ConfigResult): string {
  return lines.join("\n");
}

function outputLine({ path, hash, size, nfiles, changed }: AddedOutput): string {
  const amount = `${nfiles === undefined ? "" : `${counted(nfiles, "file")}, `}${formatBytes(size)}`;
  return changed ? `  track  ${oneLine(path)}  ${hash.slice(0, 6)}  (${amount})` : `  same   ${oneLine(path)}  ${hash.slice(0, 6)}`;
}

/** `2 files modified and 1 file added`, as dvc says it. */
function summaryOf(counts: Record<string, number>): string {
  const parts = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${counted(count, "file")} ${what}`] : []));
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
