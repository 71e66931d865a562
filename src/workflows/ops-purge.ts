/** `expver ops purge`: frees what the trash keeps. What needs it can then no longer be undone, so the plan names it. */
import { findPlace, openProject, type Place } from "../config/project.ts";
import { freeingTrash, type TrashEntry, trashEntries } from "../journal/trash-contents.ts";
import type { Context } from "../platform/context.ts";
import { paceWork } from "../platform/pace.ts";
import { cacheTrashOf } from "../store/objects/cache.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { ageOf } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";

interface PurgePlan extends Plan {
  place: Place;
  entries: TrashEntry[];
  /** Entries that stay. */
  left: number;
}

export interface PurgeResult {
  /** Things thrown away that are gone for good now. */
  freed: number;
  files: number;
  bytes: number;
  /** Entries that stay: too young, or needed by a command that has not ended. */
  left: number;
  /** Ids of operations that can no longer be undone, newest first. */
  lost: string[];
}

export const opsPurge: WriteWorkflow<Input, PurgePlan, PurgeResult> = {
  async plan(context, input) {
    const place = findPlace(context) ?? openProject(context);
    const youngest = context.clock().getTime() - ageOf(input);
    const all = allEntries(place, context);
    const entries = all.filter(({ inUse, since }) => !inUse && since.getTime() <= youngest);
    return {
      command: "ops purge",
      steps: entries.map(stepOf),
      destructive: entries.length > 0,
      fingerprint: fingerprintOf(entries.map(({ folder, files, bytes, neededBy }) => ({ folder, files, bytes, neededBy }))),
      place,
      entries,
      left: all.length - entries.length,
    };
  },

  async apply(context, { place, entries, left }) {
    await prepareWriting(place, context);
    // Looked at again: an undo may have begun meanwhile.
    const now = new Map(allEntries(place, context).map((entry) => [entry.folder, entry]));
    const going = entries.filter(({ folder }) => now.get(folder)?.inUse === false);
    for (const entry of going) await paceWork(freeingTrash(entry), context, { label: "freeing the trash" });
    return {
      freed: going.length,
      files: going.reduce((sum, { files }) => sum + files, 0),
      bytes: going.reduce((sum, { bytes }) => sum + bytes, 0),
      left: left + entries.length - going.length,
      lost: [...new Set(going.flatMap(({ neededBy }) => neededBy.map(({ id }) => id)))].sort().reverse(),
    };
  },
};

function allEntries(place: Place, context: Context): TrashEntry[] {
  return trashEntries(place, { cacheTrash: cacheTrashOf(place), now: context.clock() });
}

function stepOf({ folder, origin, files, bytes, since, neededBy }: TrashEntry): Step {
  const [needing] = neededBy;
  const day = since.toISOString().slice(0, 10);
  const detail = needing === undefined ? day : `${day}; \`expver undo ${needing.id}\` (${needing.command}) can then not be done`;
  return { verb: "free", target: origin ?? folder, detail, count: files, bytes };
}
