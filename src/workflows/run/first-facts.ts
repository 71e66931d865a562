/** What is known of a run before anything is done for it. */
import { existsSync } from "node:fs";
import { storedPath } from "../../config/paths.ts";
import { hideSecrets } from "../../config/secrets.ts";
import { identityOf } from "../../platform/processes.ts";
import { shellWord } from "../../platform/shell-word.ts";
import type { RunFindings } from "./planning/findings.ts";
import { runsPipeline } from "./planning/plan.ts";
import type { RunFacts } from "./run-facts.ts";

export function firstFacts(findings: RunFindings, { runId, since }: { runId: string; since: string }): RunFacts {
  const { project, repository, request, head, places, metricsOfStage, shownArgv, parameters, pointers, selection, argv, script } = findings;
  const params = project.config.params === null ? null : storedPath(project, project.config.params);
  return {
    run_id: runId,
    owner: identityOf(process.pid),
    worktree: repository.root,
    phase: "preparing",
    status: "running",
    command: shownArgv.map(shellWord).join(" "),
    message: request.message,
    params: hideSecrets(parameters),
    version: null,
    startedAt: since,
    endedAt: null,
    exitCode: null,
    signal: null,
    head,
    snapshot: null,
    results: null,
    dirty: false,
    dvcHash: null,
    inputs: [],
    inputEdits: [],
    database: places.database,
    outputs: [],
    models: [],
    changedDuringRun: [],
    closing: {
      given: Object.keys(request.params),
      metrics: places.metrics,
      metricsMarks: {},
      metricsOfStage,
      paramsChanged: selection.included.some(({ path }) => path === params),
      commit: request.commit,
      publish: request.publish,
      allowHistoryChange: request.allowHistoryChange,
      pipeline: runsPipeline(argv),
      script,
      pointers,
      databaseExisted: existsSync(places.databaseFile),
      heldBack: selection.heldBack,
      marks: null,
      marksAtEnd: null,
      staged: [],
    },
    error: null,
  };
}
