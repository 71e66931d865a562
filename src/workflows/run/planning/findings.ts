/** What looking at the repository before a run finds. */
import type { Project } from "../../../config/project.ts";
import type { Repository } from "../../../git/git.ts";
import type { Pointer } from "../../../store/types.ts";
import type { Input } from "../../contract.ts";
import type { LackingRows } from "../database/lacking-rows.ts";
import type { Places } from "../places.ts";
import type { Selection } from "../snapshot/snapshot-selection.ts";
import type { VersionChoice } from "../version/version-choice.ts";
import type { RunRequest } from "./request.ts";

export interface RunFindings {
  /** As typed: a detached run types it again. */
  input: Input;
  request: RunRequest;
  project: Project;
  repository: Repository;
  places: Places;
  /** Whose the metrics file is that was not asked for: a stage of `dvc.yaml` names it. */
  metricsOfStage: "git" | "dvc" | null;
  head: { branch: string | null; commit: string | null; tree: string | null };
  version: VersionChoice;
  selection: Selection;
  pointers: Pointer[];
  /** Those of the pointers the run reads and that are there, as their files say. */
  inputs: Pointer[];
  /** Inputs whose bytes are not what their pointer says. */
  changedInputs: Pointer[];
  lacking: LackingRows | null;
  /** Given ones before those of the parameter file; secrets in the clear. */
  parameters: Record<string, string>;
  /** With parameters filled in. */
  argv: string[];
  /** As `scriptOf` says. */
  script: string;
  /** The same, fit to be shown and stored. */
  shownArgv: string[];
}
