/** A stored model takes the place of what is in production: file, pointer, ignore line and one commit, all or nothing. */
import { absolutePath } from "../../config/paths.ts";
import { openProject, type Project, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { OperationStart } from "../../journal/operations.ts";
import { perform } from "../../journal/perform.ts";
import { type Production, readingProduction } from "../../models/production.ts";
import { isStoredWhole } from "../../models/stored.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { openCache } from "../../store/objects/cache.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { ignoreEdits } from "../../store/settings/gitignore.ts";
import type { Source } from "../../store/sources/source.ts";
import type { SourceNode } from "../../store/sources/source-tree.ts";
import type { OutputContent } from "../../store/types.ts";
import { pointerEdit, storingOutputs } from "../../store/worktree/contents.ts";
import type { Scan } from "../../store/worktree/scan.ts";
import { commitPaths, requireHead } from "../commit-paths.ts";
import type { Step } from "../contract.ts";
import { copyChecked } from "../get.ts";
import { putCopy } from "./put-copy.ts";
import type { Survey } from "./survey.ts";

/** What was there when the plan was made, by hash. */
export interface Before {
  there: string | null;
  recorded: string | null;
}

/** Where a model's bytes come from. */
export interface Origin {
  source: Source;
  /** Path in the source. */
  from: string;
  nodes: SourceNode[];
  remote: string | undefined;
}

interface Change {
  /** Stored path of the production model. */
  path: string;
  hash: string;
  head: string | null;
  before: Before;
  origin: Origin;
  start: OperationStart;
  message(content: OutputContent): string;
  /** For the reflog. */
  reason: string;
}

/** Answers the commit; null when HEAD has it all already. Throws E_PLAN_STALE, and E_OBJECT when the bytes are not what they are called. */
export async function putInProduction(context: Context, change: Change): Promise<string | null> {
  const { path, hash, before, origin, start, message, reason } = change;
  const project = openProject(context);
  await requireUnchanged(context, project, change);
  return perform(project, context, {
    ...start,
    work: async (operation) => {
      if (before.there !== hash) {
        const make = async (target: string, staging: string) => {
          await copyChecked(context, { ...origin, path: origin.from }, { target, staging });
        };
        await putCopy(project, operation, { path, make, pacing: context });
      }
      const [scan] = await paceWork(storingOutputs(project, [path]), context, { label: `storing ${path}` });
      const { content } = scan as Scan;
      if (content.hash !== hash) {
        throw new ExpverError("E_OBJECT", `the bytes of ${origin.from} are ${content.hash}, not ${hash} as its pointer says`, {
          hint: "expver verify",
          details: { path: origin.from, expected: hash, found: content.hash },
        });
      }
      const pointer = readPointers(project).find((one) => one.path === path);
      const edits = [pointerEdit(project, path, content, pointer), ...ignoreEdits(project, [absolutePath(project, path)])];
      return commitPaths(project, { repository: requireRepository(project), operation, edits, message: message(content), reason });
    },
  });
}

/** HEAD and production are what the plan saw. Throws E_PLAN_STALE. */
export async function requireUnchanged(
  context: Context,
  project: Project,
  { path, head, before }: Pick<Change, "path" | "head" | "before">,
): Promise<void> {
  requireHead(requireRepository(project), head);
  const now = beforeOf(await paceWork(readingProduction(project), context, { label: "reading the production model" }));
  if (now.there === before.there && now.recorded === before.recorded) return;
  throw new ExpverError("E_PLAN_STALE", `${path} has changed since the plan was made`, { hint: "Repeat the command." });
}

export function beforeOf({ there, recorded }: Production): Before {
  return { there: there?.hash ?? null, recorded: recorded?.hash ?? null };
}

/** Of what lies there when `next` (null: nothing) takes its place: bytes that are stored nowhere are only taken away after a yes, and into the trash. */
export function keptAfter(
  { project, production, models }: Survey,
  next: string | null,
): { isUnsaved: boolean; keeps: Pick<Step, "keeps"> } {
  const { there } = production;
  if (there === null || there.hash === next) return { isUnsaved: false, keeps: {} };
  const isUnsaved = !isStoredWhole(openCache(project).dir, there);
  const owner = models.find(({ hash }) => hash === there.hash);
  const name = owner === undefined ? "" : `, as ${owner.version ?? owner.run ?? owner.path}`;
  return { isUnsaved, keeps: { keeps: isUnsaved ? "the trash: it is stored nowhere else" : `the cache${name}` } };
}
