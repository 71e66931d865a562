/** `data git-hook …`: what the Git hooks call that `dvc install` has written, where `dvc` is the wrapper around `expver data`. */
import { resolve } from "node:path";
import { findPlace } from "../config/project.ts";
import { systemContext } from "../platform/context.ts";
import { isFolder } from "../platform/files.ts";

/** The command line a hook stands for; null: nothing is to be done. Other command lines stay what they are. */
export function meantByHook(argv: string[]): string[] | null {
  const [group, verb, hook, ...given] = argv;
  if (group !== "data" || verb !== "git-hook") return argv;
  const context = systemContext();
  const does = (word: string) => ((findPlace(context)?.dvcRoot ?? null) === null ? null : ["data", word]);
  switch (hook) {
    case "pre-commit":
      return does("status");
    case "pre-push":
      return does("push");
    case "post-checkout": {
      // Of single files, and in the middle of a rebase, the data stays as it is.
      const { PRE_COMMIT_CHECKOUT_TYPE: kind = given[2], GIT_DIR = ".git" } = context.env;
      return kind !== "1" || isFolder(resolve(context.cwd, GIT_DIR, "rebase-merge")) ? null : does("checkout");
    }
    default:
      return argv;
  }
}
