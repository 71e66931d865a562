/** The experiment's rows for the main database; null when it has none, or they are not wanted. */
import { existsSync } from "node:fs";
import { resultsDatabase } from "../../../config/results-place.ts";
import { planResultsMerge, type ResultsPart } from "../../merge/results-part.ts";
import type { Choices } from "./choices.ts";
import type { Scene } from "./scene.ts";

/** `discard` what is not applied. Throws E_CONFLICT. */
export async function planResults(
  { main, there, record }: Scene,
  { results, keyColumns, onConflict }: Choices,
): Promise<ResultsPart | null> {
  if (results === "none" || !existsSync(resultsDatabase(there.project))) return null;
  const rebase = results === "rebase" ? { rebase: { keyColumns, matchNullKeys: false } } : {};
  return planResultsMerge(main.context, main.project, { names: [record.root], rules: { onConflict, ...rebase } });
}
