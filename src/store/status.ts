/** How the outputs of the worktree stand against their pointers. */
import { existsSync } from "node:fs";
import { absolutePath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { hashOutput, objectFile } from "./contents.ts";
import { cacheDir } from "./dvc-config.ts";
import type { Pointer } from "./types.ts";

export interface OutputStatus {
  pointer: Pointer;
  state: "same" | "modified" | "deleted" | "not in cache" | "not stored";
}

/** Reads every output; of DVC 2 pointers only presence is told. */
export function outputStatus(project: Project, pointers: readonly Pointer[]): OutputStatus[] {
  const cache = cacheDir(project);
  return pointers.map((pointer) => ({ pointer, state: stateOf(project, cache, pointer) }));
}

function stateOf(project: Project, cache: string, { path, hash, hashName, cache: isCached }: Pointer): OutputStatus["state"] {
  if (hash === null) return "not stored";
  const isLegacy = hashName !== "md5";
  const isLost = isCached && !isLegacy && !existsSync(objectFile(cache, hash));
  if (!existsSync(absolutePath(project, path))) return isLost ? "not in cache" : "deleted";
  if (!isLegacy && hashOutput(project, path).hash !== hash) return "modified";
  return isLost ? "not in cache" : "same";
}
