/** `expver doctor`: looks for what is wrong here, explains it, and with `--fix` repairs what is safe. */
import { findPlace, openProject, type Place, type Project, readConfig } from "../config/project.ts";
import { ExpverError, throwUnlessFailure } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import type { Check, Finding, Level, Scene } from "./doctor/check.ts";
import { lookedAt } from "./doctor/looked.ts";
import { fingerprintOf } from "./plan.ts";

export interface FoundBy extends Finding {
  /** Id of the check. */
  check: string;
  title: string;
}

export interface DoctorPlan extends Plan {
  scene: Scene;
  findings: FoundBy[];
  /** Titles of everything that was looked at. */
  looked: { id: string; title: string }[];
  isFixing: boolean;
}

export interface DoctorResult {
  root: string;
  findings: (FoundBy & { fixed?: string })[];
  looked: { id: string; title: string }[];
  counts: Record<Level, number>;
  /** 5 while a problem is left. */
  exitCode: number;
}

export const doctor: WriteWorkflow<Input, DoctorPlan, DoctorResult> = {
  async plan(context, input) {
    const scene = openScene(context);
    const { CHECKS } = await import("./doctor/checks.ts");
    const isFixing = input.fix === true;
    const findings: FoundBy[] = [];
    for (const check of CHECKS) findings.push(...(await findingsOf(check, scene)));
    const steps: Step[] = isFixing ? findings.flatMap(({ fix }) => (fix === undefined ? [] : [{ verb: "fix", target: fix }])) : [];
    return {
      command: isFixing ? "doctor --fix" : "doctor",
      steps,
      destructive: false,
      fingerprint: fingerprintOf({ findings }),
      scene,
      findings,
      looked: CHECKS.map(({ id, title }) => ({ id, title })),
      isFixing,
    };
  },

  async apply(_context, { scene, findings, looked, isFixing }) {
    const { CHECKS } = await import("./doctor/checks.ts");
    const results: DoctorResult["findings"] = [];
    for (const finding of findings) {
      const fix = finding.fix === undefined ? undefined : CHECKS.find(({ id }) => id === finding.check)?.fix;
      const fixed = isFixing && fix !== undefined ? await fix(scene, finding) : null;
      results.push(fixed === null ? finding : { ...finding, fixed });
    }
    const left = results.filter(({ fixed }) => fixed === undefined);
    const count = (level: Level) => left.filter((finding) => finding.level === level).length;
    const counts = { problem: count("problem"), warning: count("warning"), note: count("note") };
    return { root: scene.place.root, findings: results, looked, counts, exitCode: counts.problem > 0 ? 5 : 0 };
  },

  show({ command, steps, destructive, fingerprint, findings }) {
    return { command, steps, destructive, fingerprint, findings };
  },
};

/** Without `.git`, `.dvc` and `expver.yaml` there is nothing to examine: E_NO_PROJECT. */
function openScene(context: Context): Scene {
  const place = findPlace(context) ?? openProject(context);
  const project = readable(place);
  return { place, project, context, looked: lookedAt(place, project) };
}

function readable(place: Place): Project | null {
  try {
    return { ...place, config: readConfig(place) };
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

/** A check that cannot look is a finding itself: the others still speak. */
async function findingsOf(check: Check, scene: Scene): Promise<FoundBy[]> {
  const { id, title } = check;
  try {
    return (await check.find(scene)).map((finding) => ({ check: id, title, ...finding }));
  } catch (error) {
    throwUnlessFailure(error);
    return [{ check: id, title, level: "warning", what: `could not look at ${title}: ${error.message}`, remedy: error.hint }];
  }
}
