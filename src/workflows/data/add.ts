/** `expver data add PATH…`: bytes into the cache, a pointer and an ignore line beside the data. Commits nothing. */
import { pathFromUser } from "../../config/paths.ts";
import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git } from "../../git/git.ts";
import { beginOperation } from "../../journal/operations.ts";
import { hashOutput, storeOutput } from "../../store/contents.ts";
import { readPointers } from "../../store/pointers.ts";
import type { OutputContent } from "../../store/types.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { applyFileEdits, fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";

interface AddPlan extends Plan {
  paths: string[];
}

export interface AddResult {
  /** Paths relative to the Git root. */
  added: (OutputContent & { path: string; changed: boolean })[];
}

export const dataAdd: WriteWorkflow<Input, AddPlan, AddResult> = {
  async plan(context, input) {
    const project = openProject(context);
    const typed = [input.path].flat().filter((path) => typeof path === "string");
    const paths = typed.map((path) => pathFromUser(project, context, path));
    for (const path of paths) refuseUntrackable(project, path);
    const outputs = paths.map((path) => ({ path, content: hashOutput(project, path) }));
    return {
      command: "data add",
      steps: outputs.map(({ path, content }) => ({
        verb: "track",
        target: path,
        detail: `${content.hash.slice(0, 6)} → ${path}.dvc`,
        count: content.nfiles ?? 1,
        bytes: content.size,
      })),
      destructive: false,
      fingerprint: fingerprintOf(outputs),
      paths,
    };
  },

  async apply(context, { paths }) {
    const project = openProject(context);
    await prepareWriting(project, context);
    const operation = beginOperation(project, context, {
      command: "data add",
      argv: ["data", "add", "--", ...paths],
      summary: `track ${paths.join(", ")}`,
    });
    try {
      const added = paths.map((path) => {
        const { content, pointer, ignore } = storeOutput(project, path, context);
        applyFileEdits(project, operation, ignore === null ? [pointer] : [ignore, pointer]);
        return { path, ...content, changed: pointer.before !== pointer.after };
      });
      operation.finish();
      return { added };
    } catch (error) {
      operation.fail(error);
      throw error;
    }
  },
};

/** What DVC refuses too: paths Git has, pointers themselves, and paths that overlap another tracked output. */
function refuseUntrackable(project: Project, path: string): void {
  if (path === "" || path.endsWith(".dvc") || /(?:^|\/)dvc\.(?:yaml|lock)$/.test(path)) {
    throw new ExpverError("E_DATA", `${path || "the root"} cannot be tracked as data`, {
      hint: "Name a data file or a folder below the root.",
    });
  }
  const overlap = readPointers(project).find(
    (other) =>
      (other.path !== path && (other.path.startsWith(`${path}/`) || path.startsWith(`${other.path}/`))) ||
      (other.path === path && other.stage !== undefined),
  );
  if (overlap !== undefined) {
    throw new ExpverError("E_DATA", `${path} overlaps ${overlap.path}, which ${overlap.file} tracks`, {
      hint: `Store that output instead: ${overlap.path}.`,
    });
  }
  if (project.repository !== null && git(project.repository, ["ls-files", "-z", "--", `:(top,literal)${path}`]) !== "") {
    throw new ExpverError("E_DATA", `${path} is tracked by Git`, {
      hint: `Take it out of Git first: git rm -r --cached -- '${path}' && git commit -m 'stop tracking ${path}'`,
    });
  }
}
