/** A run's plan as steps a person reads, and its fingerprint. */

import { dirname } from "node:path/posix";
import { DEFAULTS } from "../../../config/config.ts";
import { isUnder } from "../../../config/paths.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { counted } from "../../../platform/words.ts";
import type { Plan, Step } from "../../contract.ts";
import { fingerprintOf } from "../../plan.ts";
import { sharedCacheEdit } from "../../shared-cache.ts";
import { selectionSteps } from "../snapshot/tell-selection.ts";
import type { RunFindings } from "./findings.ts";

export function describePlan(findings: RunFindings): Plan {
  const { head, version, selection, changedInputs, request, inputs, lacking } = findings;
  return {
    command: "run",
    steps: stepsOf(findings),
    destructive: false,
    fingerprint: fingerprintOf({
      head,
      version: version.name,
      included: selection.included,
      inputs: inputs.map(({ path, hash }) => [path, hash]),
      changed: changedInputs.map(({ path }) => path),
      lacking: lacking?.rows ?? 0,
      argv: request.argv,
    }),
  };
}

/** `e0.1.0 · snapshot of 3 changed files · then: track models/model.json, results/experiments.db · tag`. */
export function summaryLine(findings: RunFindings): string {
  const { version, request, selection, changedInputs } = findings;
  const changed = selection.included.length + changedInputs.length;
  const snapshot =
    changed === 0 ? "snapshot is HEAD" : request.commit ? `snapshot of ${counted(changed, "changed file")}` : "no snapshot (--no-commit)";
  return [
    version.name,
    snapshot,
    `then: track ${outputsOf(findings).join(", ")}`,
    ...(request.tag ? ["tag"] : []),
    ...(publishes(findings) ? ["publish"] : []),
  ].join(" · ");
}

function stepsOf(findings: RunFindings): Step[] {
  const { head, version, selection, changedInputs, inputs, lacking, places, request, shownArgv } = findings;
  const cacheEdit = findings.project.dvcRoot === null ? null : sharedCacheEdit(findings.project);
  const branch = head.branch?.replace("refs/heads/", "") ?? "HEAD (detached)";
  const files = selection.included.length;
  const listed = selection.included.slice(0, 5).map(({ path }) => path);
  const more = files > listed.length ? `, and ${files - listed.length} more` : "";
  return [
    ...selectionSteps(selection),
    request.commit
      ? files === 0 && changedInputs.length === 0
        ? { verb: "snapshot", target: "HEAD", detail: "nothing has changed" }
        : { verb: "snapshot", target: `refs/expver/runs/RUN`, count: files, detail: listed.map(shellWord).join(", ") + more }
      : { verb: "record", target: "patch", count: files, detail: "--no-commit: changes are kept as a patch in the run's record" },
    ...(cacheEdit === null ? [] : [{ verb: "write", target: ".dvc/config.local", detail: "the cache of the main worktree, for dvc" }]),
    ...changedInputs.map(({ path }) => ({ verb: "store", target: path, detail: "changed input" })),
    { verb: "hash", target: "inputs", count: inputs.length },
    ...(lacking === null
      ? []
      : [{ verb: "bring in", target: places.database, count: lacking.rows, detail: "rows of the version in HEAD that the file lacks" }]),
    { verb: "run", target: shownArgv.map(shellWord).join(" ") },
    { verb: "stamp", target: places.database, detail: "version, git_commit and dvc_hash of every row of the run" },
    { verb: "track", target: outputsOf(findings).join(", ") },
    request.commit
      ? { verb: "commit", target: branch, detail: "pointers of the outputs, nothing else" }
      : { verb: "commit", target: "beside the branch", detail: "--no-commit: the branch does not move" },
    ...(request.tag ? [{ verb: "tag", target: version.name }] : []),
    ...(publishes(findings) ? [{ verb: "publish", target: version.name }] : []),
  ];
}

function publishes({ request, project }: RunFindings): boolean {
  return request.tag && (request.publish || project.config.publish === "auto");
}

/**
 * As far as can be known before: models that have a pointer, else the one `expver.yaml` names, else whatever will be new in
 * the models folder.
 */
function outputsOf({ project, places, pointers, inputs }: RunFindings): string[] {
  const read = new Set(inputs.map(({ path }) => path));
  const known = pointers.map(({ path }) => path).filter((path) => isUnder(path, places.models) && !read.has(path));
  const isNamed = project.config.models.output !== DEFAULTS.models.output;
  const folder = dirname(places.modelOutput);
  const [first = isNamed || folder === "." ? places.modelOutput : `${folder}/`, ...others] = known;
  return [others.length === 0 ? first : `${first} and ${counted(others.length, "more model")}`, places.database, ...places.track];
}
