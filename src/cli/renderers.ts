/** Which function turns a command's data into text for a terminal. Loaded only when there is text to make. */
import type { Terminal } from "./terminal.ts";
import { safeData } from "./text-width.ts";

type Renderer = (data: never, terminal: Terminal) => string;

/** By the `render` name of the catalogue; undefined where there is none. A renderer is given texts that are safe for a terminal. */
export async function rendererOf(name: string): Promise<((data: unknown, terminal: Terminal) => string) | undefined> {
  const render = (await RENDERERS[name]?.()) as ((data: unknown, terminal: Terminal) => string) | undefined;
  if (render === undefined || RAW.has(name)) return render;
  return (data, terminal) => render(safeData(data), terminal);
}

/** Get bytes as they are: into a file or a pipe they go unchanged. */
const RAW = new Set(["runs logs"]);

const RENDERERS: Record<string, () => Promise<Renderer>> = {
  completion: async () => (await import("./render/completion.ts")).renderCompletion,
  init: async () => (await import("./render/init.ts")).renderInit,
  "data init": async () => (await import("./render/data.ts")).renderDataInit,
  "data add": async () => (await import("./render/data.ts")).renderDataAdd,
  "data commit": async () => (await import("./render/data.ts")).renderDataCommit,
  "data checkout": async () => (await import("./render/data.ts")).renderDataCheckout,
  "data push": async () => (await import("./render/data.ts")).renderTransferred,
  "data fetch": async () => (await import("./render/data.ts")).renderTransferred,
  "data pull": async () => (await import("./render/data.ts")).renderDataPull,
  "data remove": async () => (await import("./render/data.ts")).renderDataRemove,
  "data move": async () => (await import("./render/data.ts")).renderDataMove,
  "data destroy": async () => (await import("./render/data.ts")).renderDataDestroy,
  "data lines": async () => (await import("./render/data.ts")).renderLines,
  "data diff": async () => (await import("./render/data-diff.ts")).renderDataDiff,
  "data list": async () => (await import("./render/data-list.ts")).renderDataList,
  "data get": async () => (await import("./render/data.ts")).renderDataGet,
  "data gc": async () => (await import("./render/data.ts")).renderDataGc,
  "data import": async () => (await import("./render/data.ts")).renderDataImport,
  "data update": async () => (await import("./render/data.ts")).renderDataUpdate,
  "data remote check": async () => (await import("./render/remote-check.ts")).renderRemoteCheck,
  "data config": async () => (await import("./render/data.ts")).renderLines,
  "data status": async () => (await import("./render/data-status.ts")).renderDataStatus,
  "data data status": async () => (await import("./render/data-status.ts")).renderDataDataStatus,
  "ops list": async () => (await import("./render/ops.ts")).renderOpsList,
  "ops show": async () => (await import("./render/ops.ts")).renderOpsShow,
  "ops purge": async () => (await import("./render/ops.ts")).renderOpsPurge,
  run: async () => (await import("./render/run.ts")).renderRun,
  sweep: async () => (await import("./render/sweep.ts")).renderSweep,
  "sweep list": async () => (await import("./render/sweep.ts")).renderSweepList,
  "sweep show": async () => (await import("./render/sweep.ts")).renderSweepShow,
  "runs list": async () => (await import("./render/runs.ts")).renderRunsList,
  "runs show": async () => (await import("./render/runs.ts")).renderRunsShow,
  "runs logs": async () => (await import("./render/runs.ts")).renderRunsLogs,
  "advise workflow": async () => (await import("./render/advise.ts")).renderAdvise,
  "advise description": async () => (await import("./render/advise.ts")).renderAdviseDescription,
  "advise merge": async () => (await import("./render/advise.ts")).renderAdviseMerge,
  "advise get": async () => (await import("./render/advise.ts")).renderAdviseGet,
  "advise cleanup": async () => (await import("./render/advise.ts")).renderAdviseCleanup,
  "skill show": async () => (await import("./render/skill.ts")).renderSkillShow,
  "skill install": async () => (await import("./render/skill.ts")).renderSkillDone,
  "skill check": async () => (await import("./render/skill.ts")).renderSkillCheck,
  sql: async () => (await import("./render/sql.ts")).renderSql,
  report: async () => (await import("./render/report.ts")).renderReport,
  hooks: async () => (await import("./render/hooks.ts")).renderHooks,
  "hooks run": async () => (await import("./render/hooks.ts")).renderHooksRun,
  log: async () => (await import("./render/log.ts")).renderLog,
  undo: async () => (await import("./render/undo.ts")).renderUndo,
  doctor: async () => (await import("./render/doctor.ts")).renderDoctor,
  demo: async () => (await import("./render/demo.ts")).renderDemo,
  list: async () => (await import("./render/list.ts")).renderList,
  show: async () => (await import("./render/show.ts")).renderShow,
  sync: async () => (await import("./render/sync.ts")).renderSync,
  checkout: async () => (await import("./render/worktrees.ts")).renderCheckout,
  worktrees: async () => (await import("./render/worktrees.ts")).renderWorktrees,
  cleanup: async () => (await import("./render/worktrees.ts")).renderCleanup,
  check: async () => (await import("./render/check.ts")).renderCheck,
  "worktree create": async () => (await import("./render/worktrees.ts")).renderWorktreeCreate,
  "worktree finish": async () => (await import("./render/worktrees.ts")).renderWorktreeFinish,
  "worktree remove": async () => (await import("./render/worktrees.ts")).renderWorktreeRemove,
  get: async () => (await import("./render/get.ts")).renderGet,
  restore: async () => (await import("./render/restore.ts")).renderRestore,
  lineage: async () => (await import("./render/lineage.ts")).renderLineage,
  uses: async () => (await import("./render/lineage.ts")).renderUses,
  verify: async () => (await import("./render/verify.ts")).renderVerify,
  diff: async () => (await import("./render/diff.ts")).renderDiff,
  nothing: async () => (await import("./render/data.ts")).renderNothing,
  merge: async () => (await import("./render/merge.ts")).renderMerge,
  "models list": async () => (await import("./render/models.ts")).renderModelsList,
  "models info": async () => (await import("./render/models.ts")).renderModelsInfo,
  "models history": async () => (await import("./render/models.ts")).renderModelsHistory,
  "models demote": async () => (await import("./render/models.ts")).renderModelsDemote,
  "models promote": async () => (await import("./render/models.ts")).renderModelsPromote,
  "models add": async () => (await import("./render/models.ts")).renderModelsAdd,
  "models prune": async () => (await import("./render/models.ts")).renderModelsPrune,
  publish: async () => (await import("./render/publish.ts")).renderPublish,
  tag: async () => (await import("./render/tag.ts")).renderTag,
};
