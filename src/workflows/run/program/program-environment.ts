/** What the program finds in its environment. */
import type { Context } from "../../../platform/context.ts";
import { mainTable } from "../../../results/schema.ts";
import { withResults } from "../database/collect.ts";
import type { ClosingRun } from "../open-run.ts";
import { parameterEnvironment } from "../parameters/parameters.ts";
import { SUPERVISED } from "./detach.ts";

export interface ProgramFacts extends Pick<ClosingRun, "runId" | "project" | "places" | "facts"> {
  parameters: Readonly<Record<string, string>>;
  /** Those of them that no file says. */
  given: Readonly<Record<string, string>>;
  /** Reserved for what comes of it. */
  version: string | null;
}

export function programEnvironment(
  { env }: Context,
  { runId, project, places, parameters, given, facts, version }: ProgramFacts,
): Record<string, string | undefined> {
  const { snapshot, dvcHash } = facts();
  const { databaseFile } = places;
  const { [SUPERVISED]: _ours, ...users } = env;
  return {
    // Or nothing of a Python program's output shows before it ends.
    PYTHONUNBUFFERED: "1",
    ...users,
    ...parameterEnvironment(parameters, given),
    EXPVER_RUN_ID: runId,
    EXPVER_DB: databaseFile,
    // Settled once: a table the program makes meanwhile does not divert rows that follow.
    EXPVER_TABLE: withResults(databaseFile, (db) => mainTable(db, project.config.results.tables)),
    EXPVER_VERSION: version ?? "",
    EXPVER_GIT_COMMIT: snapshot ?? "",
    EXPVER_DVC_HASH: dvcHash ?? "",
  };
}
