/** What runs and sweeps that are not over have read and made: no worktree and hardly a commit names it yet. */
import type { Place } from "../../../config/project.ts";
import type { Pointer } from "../../../store/types.ts";
import { listFacts } from "../../run/run-facts.ts";
import { listSweeps, readSweepFacts } from "../../sweep/sweep-journal.ts";

/** A sweep that was stopped may be resumed: it is not over. */
export function pointersUnderWay(place: Pick<Place, "stateDir">): Pointer[] {
  const runs = listFacts(place).filter(({ phase }) => phase !== "closed");
  const sweeps = listSweeps(place).filter(({ result }) => result === null);
  const read = [...runs, ...sweeps.flatMap(({ id }) => readSweepFacts(place, id) ?? [])].flatMap(({ inputs }) => inputs);
  const made = sweeps.flatMap(({ attempts }) => attempts.flatMap(({ end }) => end?.artifacts ?? []));
  return [...read, ...made.map(({ path, hash }): Pointer => ({ path, hash, ...OWN }))];
}

const OWN = { file: "", hashName: "md5", cache: true, push: true, isImport: false } as const;
