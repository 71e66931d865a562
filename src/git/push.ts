/** `git push` of exactly the refs named, and what the remote said about each. */
import { gitResult, type Repository } from "./git.ts";
import { knownSettings } from "./settings.ts";

/** An object and the full ref it becomes on the remote. */
export interface PushedRef {
  object: string;
  ref: string;
}

export interface PushAnswer {
  ok: boolean;
  /** Why a ref was refused, by ref; empty when nothing was, or when the remote was not reached. */
  refused: Map<string, string>;
  /** The remote cannot take several refs in one step; nothing was pushed. */
  noAtomic: boolean;
  /** Git's own words. */
  said: string;
}

/** In the environment of our own pushes: objects were looked for already, and a hook of ours need not. */
export const PUSHED_BY_US = "EXPVER_PUSHES";

/** Never moves a ref backwards, never replaces a tag, never takes tags along that are not named. Does not throw when refused. */
export function pushRefs(
  repository: Repository,
  remote: string,
  { refs, atomic }: { refs: readonly PushedRef[]; atomic: boolean },
): PushAnswer {
  const args = ["push", "--porcelain", "--no-follow-tags", forSubmodules(repository), atomic ? "--atomic" : "--no-atomic", "--", remote];
  const result = gitResult(
    { ...repository, env: { ...repository.env, [PUSHED_BY_US]: "1" } },
    [...args, ...refs.map(({ object, ref }) => `${object}:${ref}`)],
    {
      allow: [...Array(256).keys()],
    },
  );
  const refused = new Map<string, string>();
  for (const line of result.stdout.toString("utf8").split("\n")) {
    const [flag, pair = "", summary = ""] = line.split("\t");
    if (flag === "!") refused.set(pair.slice(pair.indexOf(":") + 1), summary);
  }
  return {
    ok: result.code === 0,
    refused,
    noAtomic: result.code !== 0 && /does not support --atomic/.test(result.stderr),
    said: result.stderr.trim(),
  };
}

/** Git cannot push submodules along with objects that have no name here, and told to push `only` those it is content. They are looked at instead. */
function forSubmodules(repository: Repository): string {
  const settings = knownSettings(repository);
  const said = settings.get("push.recursesubmodules") ?? settings.get("submodule.recurse") ?? "no";
  return /^(?:no|off|false|0|)$/i.test(said) ? "--recurse-submodules=no" : "--recurse-submodules=check";
}
