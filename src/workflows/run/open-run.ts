/** A run while it goes on: what all its parts share. */
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import type { RunPlan } from "./plan.ts";
import { type RunFacts, writeFacts } from "./run-facts.ts";

export interface OpenRun {
  readonly runId: string;
  /** Absolute. */
  readonly folder: string;
  readonly plan: RunPlan;
  readonly project: Project;
  readonly repository: Repository;
  readonly operation: OpenOperation;
  /** What stands in the run's file now. */
  readonly facts: () => RunFacts;
  /** Changes the file. */
  readonly save: (changes: Partial<RunFacts>) => void;
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
