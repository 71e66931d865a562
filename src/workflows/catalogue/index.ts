/** Every command there is, in the order of the help. Faces read this; nothing else lists commands. */
import type { Command } from "../contract.ts";
import { ADVISING } from "./advising.ts";
import { DATA } from "./data.ts";
import { HOOKS } from "./hooks.ts";
import { MERGING } from "./merging.ts";
import { MODELS } from "./models.ts";
import { RUNS } from "./runs.ts";
import { SAFETY } from "./safety.ts";
import { SETUP } from "./setup.ts";
import { SHARE } from "./share.ts";
import { SKILL } from "./skill.ts";
import { SWEEPS } from "./sweeps.ts";
import { VERSIONS } from "./versions.ts";
import { WORKTREES } from "./worktrees.ts";

export const CATALOGUE: Command[] = [
  ...SETUP,
  ...ADVISING,
  ...RUNS,
  ...SWEEPS,
  ...VERSIONS,
  ...MODELS,
  ...MERGING,
  ...WORKTREES,
  ...DATA,
  ...SHARE,
  ...SAFETY,
  ...HOOKS,
  ...SKILL,
];
