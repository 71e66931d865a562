/** Every check, in the order of the report. */
import type { Check } from "./check.ts";
import { candidateModels, damagedDatabase, keptByPipeline, parallelWriters, productionModel } from "./experiment-checks.ts";
import { dataInGit } from "./git-data-checks.ts";
import { killedOperations, largeTrash, staleLeases } from "./journal-checks.ts";
import { mergeDriver, undecidedPointers } from "./merge-checks.ts";
import { ownCaches } from "./own-caches.ts";
import { movedTags } from "./remote-checks.ts";
import { databaseCost, databaseLink, walOnNetwork } from "./results-checks.ts";
import { resultsSchemas } from "./schema-checks.ts";
import { configMistakes, gitIdentity, helpers, leftovers, noDvc, unfinishedGit } from "./setup-checks.ts";
import { skillDrift } from "./skill-checks.ts";
import { contestedOutputs, littleRoom, lostObjects, sharedModes, worktreeCache } from "./store-checks.ts";
import { lostVersions, misnamedTags, othersVersions, unsentObjects } from "./version-checks.ts";
import { detachedWorktrees, halfRemovedWorktrees, lockedWorktrees, movedWorktrees } from "./worktree-checks.ts";
import { indexLock, readOnly } from "./write-checks.ts";

export const CHECKS: readonly Check[] = [
  gitIdentity,
  noDvc,
  configMistakes,
  unfinishedGit,
  undecidedPointers,
  mergeDriver,
  indexLock,
  readOnly,
  helpers,
  killedOperations,
  staleLeases,
  leftovers,
  largeTrash,
  dataInGit,
  lostObjects,
  contestedOutputs,
  littleRoom,
  sharedModes,
  lostVersions,
  unsentObjects,
  worktreeCache,
  ownCaches,
  movedWorktrees,
  halfRemovedWorktrees,
  lockedWorktrees,
  detachedWorktrees,
  damagedDatabase,
  databaseLink,
  walOnNetwork,
  parallelWriters,
  resultsSchemas,
  databaseCost,
  keptByPipeline,
  productionModel,
  candidateModels,
  movedTags,
  misnamedTags,
  othersVersions,
  skillDrift,
];
