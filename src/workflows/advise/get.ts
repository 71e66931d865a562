/** `expver advise get V PATH`: where a version's bytes come from, what that costs, and what to type. */
import { existsSync } from "node:fs";
import { openProject } from "../../config/project.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import { openCache } from "../../store/objects/cache.ts";
import { objectPath } from "../../store/objects/layout.ts";
import { findVersion } from "../../versions/registry.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { get } from "../get.ts";
import { textIn } from "../input.ts";

export interface GetAdvice {
  version: string;
  /** From the top of the repository. */
  path: string;
  /** "worktree": everything of the version is wanted, or there is no single path. */
  strategy: "git" | "cache" | "remote" | "worktree";
  files: number;
  /** Known ones. */
  bytes: number;
  /** Files that are not in the cache. */
  toFetch: number;
  reasons: string[];
  commands: string[];
}

export const adviseGet: ReadWorkflow<Input, GetAdvice> = {
  async read(context, input) {
    const version = textIn(input.version) ?? "";
    const path = textIn(input.path);
    if (path === undefined) return wholeVersion(findVersion(openProject(context), version).name);
    return onePath(context, version, path);
  },
};

function wholeVersion(version: string): GetAdvice {
  const reasons = ["code, data, models and results together: a worktree beside this one, on the same cache, as it was"];
  return {
    version,
    path: "",
    strategy: "worktree",
    files: 0,
    bytes: 0,
    toFetch: 0,
    reasons,
    commands: [`expver checkout ${shellWord(version)}`, `expver cleanup ${shellWord(version)}`],
  };
}

async function onePath(context: Context, version: string, typed: string): Promise<GetAdvice> {
  // The plan is only looked at; its own name is never taken, so that an existing file does not stand in the way of advice.
  const plan = await get.plan({ ...context, report: () => {} }, { version, path: typed, force: true });
  const { source, nodes, path } = plan;
  const cache = openCache(source.project);
  const files = nodes.filter(({ isFolder }) => !isFolder);
  const lacking = files.filter(({ object, blob }) => blob === null && object !== null && !existsSync(objectPath(cache.dir, object)));
  const inGit = files.filter(({ blob }) => blob !== null);
  source.close();
  const strategy = lacking.length > 0 ? "remote" : inGit.length === files.length ? "git" : "cache";
  const reasons = [
    strategy === "git" ? `${counted(files.length, "file")} of Git: nothing but this repository is needed` : null,
    strategy === "cache" ? `${counted(files.length, "file")} in the cache: copied and checked, no network` : null,
    strategy === "remote" ? `${counted(lacking.length, "file")} not in the cache: fetched from the data remote, and only those` : null,
    "HEAD, index and files of this worktree stay as they are",
  ];
  return {
    version,
    path,
    strategy,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + (size ?? 0), 0),
    toFetch: lacking.length,
    reasons: reasons.filter((one) => one !== null),
    commands: [`expver get ${shellWord(version)} ${shellWord(path)} -o ${shellWord(path.split("/").at(-1) ?? path)}`],
  };
}
