/** The best run's model goes into production when it is better than what is there, and takes nothing away that is stored nowhere. */
import { ExpverError } from "../../errors.ts";
import { modelsPromote } from "../models/promote.ts";
import type { OpenSweep } from "./open-sweep.ts";
import type { Ranking } from "./winner.ts";

export interface Promotion {
  promoted: boolean;
  /** Why, or why not, for a person. */
  why: string;
}

export async function promoteWinner({ context, state }: OpenSweep, version: string, ranking: Ranking | null): Promise<Promotion | null> {
  if (ranking === null || ranking.isGuess) return null;
  const { metric } = state().request.ending;
  try {
    const plan = await modelsPromote.plan(context, { version, betterThan: "production", ...(metric === null ? {} : { metric }) });
    if (plan.destructive) return { promoted: false, why: `what is in production is stored nowhere: expver models promote ${version}` };
    const [gate] = plan.gates;
    await modelsPromote.apply(context, plan);
    return { promoted: true, why: gate?.found ?? "" };
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    if (error.code !== "E_GATE") context.report({ kind: "warning", text: `nothing was promoted: ${error.message}`, hint: error.hint });
    return { promoted: false, why: error.message };
  }
}
