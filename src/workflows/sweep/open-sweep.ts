/** A sweep while it goes on: what all its parts have in common. */
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import type { Launcher } from "../../launchers/launcher.ts";
import type { Context } from "../../platform/context.ts";
import type { Environment } from "../run/program/environment.ts";
import type { RunFacts } from "../run/run-facts.ts";
import { openJournal, type Sweep, type SweepLine, writeSweepFacts } from "./sweep-journal.ts";

export interface OpenSweep {
  /** Of the sweep, without the signal that interrupts: what a run has left is recorded all the same. */
  context: Context;
  id: string;
  /** Absolute. */
  folder: string;
  project: Project;
  repository: Repository;
  /** Stored path of the parameter file. */
  paramsFile: string | null;
  /** Of every run, `{name}` not yet filled in; secrets in the clear. */
  argv: readonly string[];
  /** Its inputs may be links to the cache, whoever runs it. */
  mayLink: boolean;
  launcher: Launcher;
  /** Tables of the results database when the command began. */
  schema: readonly string[];
  /** What it runs on, as its runs record it. */
  environment: Environment;
  /** What stands in its journal now. */
  state: () => Sweep;
  /** Into its journal. */
  write: (line: SweepLine) => void;
  /** Names of what its runs are given. */
  given: readonly string[];
  /** What its runs share. */
  facts: () => RunFacts;
  save: (changes: Partial<RunFacts>) => void;
}

/** Keeps the facts and their file equal. */
export function sweepFactsKeeper(project: Project, id: string, first: RunFacts): Pick<OpenSweep, "facts" | "save"> {
  let facts = first;
  return {
    facts: () => facts,
    save: (changes) => {
      facts = { ...facts, ...changes };
      writeSweepFacts(project, id, facts);
    },
  };
}

export function sweepState(place: Pick<Project, "stateDir">, id: string): Pick<OpenSweep, "state" | "write" | "given"> {
  const { sweep, write } = openJournal(place, id);
  const given = new Set([...Object.keys(sweep.request.params), ...sweep.jobs.flatMap((settings) => Object.keys(settings))]);
  return { state: () => sweep, write, given: [...given] };
}
