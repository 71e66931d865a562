/** A run while it goes on: what all its parts share. */

import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import { readHead } from "../../git/refs.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import type { Places } from "./places.ts";
import type { RunFindings } from "./planning/findings.ts";
import { type RunFacts, writeFacts } from "./run-facts.ts";

/** All that closing needs: the process that closes a run may not be the one that began it. */
export interface ClosingRun {
  readonly runId: string;
  /** Absolute. */
  readonly folder: string;
  readonly project: Project;
  readonly repository: Repository;
  readonly places: Places;
  /** The database is a part that is merged elsewhere: it is not stored by itself. */
  readonly isShard?: boolean;
  readonly operation: Pick<OpenOperation, "record" | "note">;
  /** What stands in the run's file now. */
  readonly facts: () => RunFacts;
  /** Changes the file. */
  readonly save: (changes: Partial<RunFacts>) => void;
}

export interface OpenRun extends ClosingRun {
  readonly plan: RunFindings;
  readonly operation: OpenOperation;
}

/** Keeps the facts and their file equal. */
export function factsKeeper(project: Project, first: RunFacts): Pick<OpenRun, "facts" | "save"> {
  let facts = first;
  writeFacts(project, facts);
  return {
    facts: () => facts,
    save: (changes) => {
      facts = { ...facts, ...changes };
      writeFacts(project, facts);
    },
  };
}

/** HEAD is where it was at the beginning, on the same branch: the results commit will be on it. */
export function branchStands({ repository, facts }: { repository: Repository; facts: () => Pick<RunFacts, "head"> }): boolean {
  const { head } = facts();
  const now = readHead(repository);
  return now.branch === head.branch && now.commit === head.commit;
}
