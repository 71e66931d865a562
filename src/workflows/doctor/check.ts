/** What a check of `expver doctor` looks like. */
import type { Place, Project } from "../../config/project.ts";
import type { Context } from "../../platform/context.ts";
import type { Looked } from "./looked.ts";

/** `problem`: something is broken or will lose work (exit 5). `warning`: it may. `note`: good to know. */
export type Level = "problem" | "warning" | "note";

export interface Finding {
  level: Level;
  /** What was found, with the path or value. */
  what: string;
  /** What to type or do. */
  remedy: string;
  /** Set when `--fix` can do it safely: one line saying what it would do. */
  fix?: string;
  /** For the fix. */
  subject?: string;
}

/** Where doctor looks. `project` is null when expver.yaml cannot be read: checks that need it are left out. */
export interface Scene {
  place: Place;
  project: Project | null;
  context: Context;
  looked: Looked;
}

export interface Check {
  /** Stable name, for scripts. */
  id: string;
  /** What is being looked at, as a noun phrase. */
  title: string;
  /** Looks only. */
  find(scene: Scene): Finding[] | Promise<Finding[]>;
  /** Repairs one finding that says `fix`; safe to repeat, never removes what could be wanted. Answers what it did; null: it could not, and has said why. */
  fix?(scene: Scene, finding: Finding): string | null | Promise<string | null>;
}
