/** What a finish will do, step by step, as its plan shows it. Looks only. */
import { listRemotes } from "../../../git/remotes.ts";
import type { Step } from "../../contract.ts";
import type { Finding } from "../inventory/finding.ts";
import { removalSteps } from "../remove.ts";
import type { Choices } from "./choices.ts";
import { mergeCode } from "./code.ts";
import { planData } from "./data.ts";
import { modelOf } from "./model.ts";
import { planResults } from "./results.ts";
import type { Scene } from "./scene.ts";

export async function stepsOf(
  scene: Scene,
  choices: Choices,
  findings: readonly Finding[],
): Promise<{ steps: Step[]; destructive: boolean }> {
  const { record, changed, versions, tipVersion, merged, main } = scene;
  const isChanged = changed.files.length + changed.outputs.length > 0;
  const hasWork = isChanged || scene.tip !== scene.base;
  const skip = (target: string, detail: string): Step => ({ verb: "skip", target, detail });
  const names = versions.map(({ name }) => name);
  const steps: Step[] = [
    !isChanged
      ? { verb: "note", target: record.branch, detail: "everything in it is committed" }
      : choices.commit
        ? {
            verb: "commit",
            target: record.branch,
            detail: [...changed.files, ...changed.outputs].slice(0, 5).join(", "),
            count: changed.files.length + changed.outputs.length,
          }
        : skip(record.branch, "--no-commit"),
    tipVersion !== null && !isChanged
      ? { verb: "note", target: tipVersion.name, detail: `tagged: the tip of ${record.branch}` }
      : !hasWork
        ? { verb: "note", target: record.branch, detail: "no commit of its own: nothing to tag" }
        : choices.tag
          ? { verb: "tag", target: "the next version", detail: `of ${record.branch}` }
          : skip("tag", "--no-tag"),
    choices.publish
      ? { verb: "publish", target: names.join(", ") || "the next version" }
      : skip("publish", listRemotes(main.repository).length === 0 ? "there is no Git remote" : "asked for by --publish"),
  ];
  if (merged !== null) {
    steps.push({ verb: "note", target: merged.name, detail: "has this experiment already" });
    return { steps: [...steps, ...removeSteps(scene, choices, findings)], destructive: false };
  }
  const model = modelOf(scene, choices);
  steps.push(
    model === null
      ? skip("model", choices.models === "none" ? "--models none" : "no version of a run of the experiment has one")
      : {
          verb: model.as === "production" ? "promote" : "add",
          target: `model of ${model.version.name}`,
          detail: model.as === "production" ? "to production" : "as a candidate",
        },
  );
  const results = await planResults(scene, choices);
  results?.discard();
  steps.push(
    ...(results === null
      ? [skip("results", choices.results === "none" ? "--results none" : "the experiment has no results database")]
      : results.steps),
  );
  const data = await planData(scene, choices);
  steps.push(
    ...data.map(
      ({ path, detail, ours }): Step => ({
        verb: choices.data,
        target: path,
        detail,
        ...(ours === null ? {} : { keeps: "the cache, and HEAD's pointer" }),
      }),
    ),
  );
  if (data.length === 0) steps.push(skip("data", choices.data === "none" ? "--data none" : "the experiment has changed none"));
  const code = choices.code === "merge" ? mergeCode(scene) : null;
  steps.push(
    code === null
      ? skip("code", "its version keeps it; --code merge brings it here")
      : {
          verb: "merge",
          target: "code",
          detail: [...code.writes, ...code.removes].slice(0, 5).join(", "),
          count: code.writes.length + code.removes.length,
        },
    { verb: "commit", target: "what was merged" },
    { verb: "tag", target: choices.version ?? "the next version", detail: "Kind: merge" },
    ...removeSteps(scene, choices, findings),
  );
  return { steps, destructive: results?.destructive === true || (choices.data === "rebase" && data.some(({ ours }) => ours !== null)) };
}

function removeSteps({ record, main }: Scene, choices: Choices, findings: readonly Finding[]): Step[] {
  if (!choices.remove) return [{ verb: "skip", target: record.root, detail: "--keep" }];
  return removalSteps(
    main.repository,
    record,
    findings.filter(({ category }) => choices.forced.has(category)),
  );
}
