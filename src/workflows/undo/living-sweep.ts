/** A sweep that goes on is not undone: its number and its snapshot would be free for others. */
import type { Place } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Operation } from "../../journal/types.ts";
import { lifeOf } from "../../platform/processes.ts";
import { readSweep } from "../sweep/sweep-journal.ts";

/** Throws E_BUSY when this is the beginning of one. */
export function refuseLivingSweep(place: Pick<Place, "stateDir">, { effects }: Operation): void {
  for (const effect of effects) {
    const id = effect.kind === "ref" && effect.after !== null ? /^refs\/expver\/runs\/(sweep-.+)$/.exec(effect.ref)?.[1] : undefined;
    const sweep = id === undefined ? null : readSweep(place, id);
    if (sweep === null || sweep.result !== null || sweep.owner === null || lifeOf(sweep.owner) === "dead") continue;
    throw new ExpverError("E_BUSY", `${sweep.id} goes on (process ${sweep.owner.pid})`, {
      hint: `Stop it first: expver sweep stop ${sweep.id}. Undo another operation by its id: \`expver ops\` lists them.`,
      details: { sweep: sweep.id, pid: sweep.owner.pid },
    });
  }
}
