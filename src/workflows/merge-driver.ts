/** `expver merge-driver`: what Git calls for a `.dvc` file or a `dvc.lock` that two branches have changed. */
import { readFileSync } from "node:fs";
import { posix, resolve } from "node:path";
import { ExpverError } from "../errors.ts";
import { CONFLICT_CODE } from "../git/merge-driver.ts";
import { mergeLockFile } from "../merge/pointers/merge-lock-file.ts";
import type { MergedOutput } from "../merge/pointers/merge-output.ts";
import { mergePointer } from "../merge/pointers/merge-pointer.ts";
import type { Context } from "../platform/context.ts";
import { writeFileAtomic } from "../platform/files.ts";
import { shellWord } from "../platform/shell-word.ts";
import { isLockFile } from "../store/pointers/pointers.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { bringsNews, describeOutput } from "./merge/describe-output.ts";
import { projectOf } from "./merge/project-of.ts";
import { fingerprintOf } from "./plan.ts";

interface DriverPlan extends Plan {
  /** The pointer file, in stored form. */
  file: string;
  base: string;
  ours: string;
  theirs: string;
  /** Where Git wants the answer. */
  answer: string;
}

/** Git reads the exit code: anything but 0 and {@link CONFLICT_CODE} makes it merge the text instead. */
export const mergeDriver: WriteWorkflow<Input, DriverPlan, { exitCode: number }> = {
  async plan(context, input) {
    const [base, ours, theirs, file] = [input.base, input.ours, input.theirs, input.path].map(textIn) as [string, string, string, string];
    const sides = { base: read(context, base), ours: read(context, ours), theirs: read(context, theirs) };
    return {
      command: "merge-driver",
      steps: [{ verb: "merge", target: file }],
      destructive: false,
      fingerprint: fingerprintOf({ file, ...sides }),
      file,
      ...sides,
      answer: resolve(context.cwd, ours),
    };
  },

  async apply(context, { file, base, ours, theirs, answer }) {
    const { text, conflicts } = isLockFile(file) ? mergeStages() : await mergeOutputs();
    writeFileAtomic(answer, text);
    if (conflicts.length === 0) return { exitCode: 0 };
    context.report({
      kind: "warning",
      text: conflicts.join("\n"),
      hint: `expver merge --resolve ours|theirs ${shellWord(fromPrefix(context, file))}: decides only what both changed`,
    });
    return { exitCode: CONFLICT_CODE };

    async function mergeOutputs() {
      const merged = await mergePointer(projectOf(context, file), context, { file, base, ours, theirs });
      for (const output of merged.outputs) tell(context, output);
      return merged;
    }

    function mergeStages() {
      const merged = mergeLockFile({ file, base, ours, theirs });
      for (const text of merged.says) context.report({ kind: "step", text: `${file}: ${text}` });
      return merged;
    }
  },
};

/** Git calls its drivers at the top of the worktree, and says where the person stands. */
function fromPrefix({ env }: Context, file: string): string {
  return posix.relative(env.GIT_PREFIX ?? "", file);
}

function tell(context: Context, output: MergedOutput): void {
  for (const text of output.notes) context.report({ kind: "warning", text });
  const says = describeOutput(output);
  if (says === null) return;
  const next = bringsNews(output) ? "; expver data checkout brings it here" : "";
  context.report({ kind: "step", text: `${output.path}: ${says}${next}` });
}

function read(context: Context, name: string): string {
  try {
    return readFileSync(resolve(context.cwd, name), "utf8");
  } catch (error) {
    throw new ExpverError("E_NOT_FOUND", `cannot read ${name}`, { hint: "This command is for Git: see docs/merge.md.", cause: error });
  }
}
