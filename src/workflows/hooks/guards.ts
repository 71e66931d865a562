/** What the hooks look at. They refuse (exit 4) with what to type, and let everything go that is not theirs. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { openProject, type Project, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { contextIn, git, gitResult, type Repository } from "../../git/git.ts";
import { PUSHED_BY_US } from "../../git/push.ts";
import { headBranch, readRef, resolveCommit } from "../../git/refs.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import { isPushable } from "../../store/transfer/by-remote.ts";
import { surveyPush } from "../../store/transfer/transfer.ts";
import { readVersions } from "../../versions/registry.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { textIn, wordsOf } from "../input.ts";
import { HOOKS } from "./scripts.ts";

export interface Guarded {
  hook: string;
  looked: string[];
}

export const hooksRun: ReadWorkflow<Input, Guarded> = {
  async read(context, input) {
    const hook = textIn(input.hook) ?? "";
    const args = wordsOf(input.argument);
    if (hook === "pre-push") return { hook, looked: await orSayWhy("git push", () => guardPush(context)) };
    if (hook === "pre-rebase") return { hook, looked: await orSayWhy("git rebase", () => guardRebase(context, args)) };
    if (hook === "reference-transaction") return { hook, looked: args[0] === "prepared" ? warnOfMoves(context) : [] };
    throw new ExpverError("E_USAGE", `there is no hook ${JSON.stringify(hook)} of expver`, { hint: HOOKS.join(", ") });
  },
};

/** What stands in the way of looking (a server that does not answer, a mistake in expver.yaml) is no reason to be stuck. */
async function orSayWhy(git: string, look: () => string[] | Promise<string[]>): Promise<string[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code === "E_GATE") throw error;
    const hint = `${error.hint.replace(/[^.]$/, "$&.")} ${git} --no-verify goes on without this look.`.trim();
    throw new ExpverError(error.code, `what is pushed or rebased cannot be looked at: ${error.message}`, { hint, details: error.details });
  }
}

/** Every branch and version that is pushed: are the objects it names on the data remote? */
async function guardPush(context: Context): Promise<string[]> {
  if (context.env[PUSHED_BY_US] !== undefined) return [];
  // local ref, object, remote ref, what is there: the local one is as it was typed, and may be `HEAD@{1 day ago}`. A deletion names no object of ours.
  const pushed = readFileSync(0, "utf8")
    .split("\n")
    .map((line) => line.split(" ").slice(-3))
    .flatMap(([object = "", ref = ""]) => (/^0*$/.test(object) ? [] : [{ object, ref }]));
  const looked = new Set<string>();
  for (const project of projectsHere(context)) {
    const versions = new Set(readVersions(project).map(({ name }) => `refs/tags/${name}`));
    const own = pushed.filter(({ ref }) => ref.startsWith("refs/heads/") || versions.has(ref));
    for (const one of own) {
      await lookAtPush(project, requireRepository(project), context, one);
      looked.add(one.ref);
    }
  }
  return [...looked];
}

/** Git calls hooks at the top of a worktree: a project, or several, may be in folders of it. */
function projectsHere(context: Context): Project[] {
  const top = openProject(context);
  const repository = requireRepository(top);
  if (repository.bare) return [top];
  const files = git(repository, ["ls-files", "-z", "--", ":(top,glob)**/expver.yaml", ":(top,glob)**/.dvc/config"])
    .split("\0")
    .filter(Boolean);
  const folders = new Set(files.map((file) => join(repository.root, file.replace(/(?:^|\/)(?:expver\.yaml|\.dvc\/config)$/, ""))));
  const projects = [...folders].filter(isFolder).map((folder) => openProject(contextIn(context, folder)));
  return [...new Map([top, ...projects].map((project) => [project.root, project])).values()];
}

async function lookAtPush(
  project: Project,
  repository: Repository,
  context: Context,
  { ref, object }: { ref: string; object: string },
): Promise<void> {
  const commit = resolveCommit(repository, object);
  const pointers = commit === null ? [] : readPointersAt(project, commit).filter(isPushable);
  if (pointers.length === 0) return;
  const name = ref.replace(/^refs\/(heads|tags)\//, "");
  const { lacking, missing, remotes } = await surveyPush(project, pointers, context);
  const lost = lacking + missing.length;
  if (lost === 0) return;
  const isVersion = ref.startsWith("refs/tags/");
  const folder = relative(repository.root, project.root);
  const expver = folder === "" ? "expver" : `expver -C ${shellWord(folder)}`;
  throw new ExpverError(
    "E_GATE",
    `${counted(lost, "object")} that ${name} names ${lost === 1 ? "is" : "are"} not on ${remotes.join(", ")}: whoever fetches it cannot have its data`,
    {
      hint: `${expver} ${isVersion ? `publish ${name}` : "data push"} sends them first; git push --no-verify pushes anyway.`,
      details: { ref, lacking, missing: missing.slice(0, 10).map(({ path }) => path) },
    },
  );
}

/** Branches that are amended, reset, rebased or deleted, before they move. Only said: Git knows no way past this hook. */
function warnOfMoves(context: Context): string[] {
  const repository = requireRepository(openProject(context));
  const moves = readFileSync(0, "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([, after = "", ref = ""]) => {
      const before = ref.startsWith("refs/heads/") ? readRef(repository, ref) : null;
      return before === null ? [] : [{ branch: ref.slice("refs/heads/".length), before, after: /^0*$/.test(after) ? [] : [after] }];
    });
  if (moves.length === 0) return [];
  const others = [...moves.map(({ branch }) => `--exclude=${branch}`), "--branches", "--remotes"];
  const range = [...moves.map(({ before }) => before), "--not", ...moves.flatMap(({ after }) => after), ...others];
  const versions = versionsAmong(context, repository, range);
  const [first] = versions;
  if (first !== undefined) {
    const one = versions.length === 1;
    context.report({
      kind: "warning",
      text: `${versions.slice(0, 8).join(", ")} ${one ? "is" : "are"} on no branch after this: ${one ? "its tag keeps it" : "their tags keep them"}, whole`,
      hint: `git branch NAME ${first} puts a branch there.`,
    });
  }
  return moves.map(({ branch }) => branch);
}

/** Of the versions that are on a branch, those whose commits `git rev-list` finds. */
function versionsAmong(context: Context, repository: Repository, range: readonly string[]): string[] {
  const moved = new Set(
    gitResult(repository, ["rev-list", ...range])
      .stdout.toString("utf8")
      .split("\n"),
  );
  const versions = projectsHere(context)
    .flatMap(readVersions)
    .filter(({ commit, onBranch }) => onBranch && moved.has(commit));
  return [...new Set(versions.map(({ name }) => name))];
}

/** Commits of versions that a rebase would leave on no branch. */
function guardRebase(context: Context, [upstream = "", branch]: string[]): string[] {
  const repository = requireRepository(openProject(context));
  const isWhole = upstream === "--root";
  const from = isWhole ? null : resolveCommit(repository, upstream);
  const tip = resolveCommit(repository, branch ?? "HEAD");
  if ((from === null && !isWhole) || tip === null) return [];
  const moving = (branch ?? headBranch(repository) ?? "HEAD").replace(/^refs\/heads\//, "");
  const range = [tip, "--not", ...(from === null ? [] : [from]), `--exclude=${moving}`, "--branches"];
  const versions = versionsAmong(context, repository, range);
  if (versions.length === 0) return [];
  throw new ExpverError(
    "E_GATE",
    `a rebase of ${moving} would leave ${versions.slice(0, 8).join(", ")} on no branch: their commits stay, under their tags only`,
    {
      hint: `${isWhole ? "" : `Merge instead: git merge ${upstream}. `}git rebase --no-verify rebases anyway; no version is lost by it.`,
      details: { versions },
    },
  );
}
