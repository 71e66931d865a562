/** `expver merge REF -- data/train.parquet`: the rows a worktree, branch or version has in a file of that path go into ours. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { absolutePath, pathFromUser } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import type { NamedPath } from "./part.ts";
import { findSide, type Side } from "./side.ts";
import { storedFile } from "./stored-file.ts";

export interface DataOfRefs {
  base: NamedPath;
  sources: NamedPath[];
}

/** Null when one of the names is a file: then files are meant. Throws E_NOT_FOUND, E_NOT_STORED, E_USAGE. */
export async function dataOfRefs(
  context: Context,
  project: Project,
  { names, paths }: { names: readonly string[]; paths: readonly string[] },
): Promise<DataOfRefs | null> {
  const sides = names.map((name) => findSide(context, project, name));
  if (sides.some(({ kind }) => kind === "file")) return null;
  const [typed = "", ...others] = paths;
  if (others.length > 0) {
    throw new ExpverError("E_USAGE", `one data file at a time, not ${paths.join(", ")}`, {
      hint: paths.map((path) => `expver merge ${names.join(" ")} -- ${shellWord(path)}`).join("; "),
    });
  }
  const path = pathFromUser(project, context, typed);
  const ours = absolutePath(project, path);
  if (!existsSync(ours)) {
    throw new ExpverError("E_NOT_FOUND", `there is no file ${typed} here to merge into`, {
      hint: `If only its pointer is here: expver data checkout ${shellWord(typed)}. All of theirs: expver get ${names[0]} ${shellWord(typed)}`,
      details: { path },
    });
  }
  const sources: NamedPath[] = [];
  for (const side of sides) sources.push({ path: await fileOf(context, project, { side, path }), name: `${side.name}:${path}` });
  return { base: { path: ours, name: typed }, sources };
}

/** What lies in a worktree counts before what it has committed. */
async function fileOf(context: Context, project: Project, { side, path }: { side: Side; path: string }): Promise<string> {
  const live = side.path === null ? null : join(side.path, path);
  if (live !== null && existsSync(live)) return live;
  const stored = side.commit === null ? null : await storedFile(context, project, { commit: side.commit, path });
  if (stored !== null) return stored;
  throw new ExpverError("E_NOT_FOUND", `${side.name} has no ${path}`, { details: { side: side.name, path } });
}
