/** Nodes of a source as files and folders here. */
import { mkdirSync } from "node:fs";
import { posix } from "node:path";
import { findPlace } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { openCache } from "../../../store/objects/cache.ts";
import type { ObjectFolder } from "../../../store/objects/layout.ts";
import { copyFromSource } from "../../../store/sources/copy-source.ts";
import type { Source } from "../../../store/sources/source.ts";
import type { SourceNode } from "../../../store/sources/source-tree.ts";
import type { CopiedFiles } from "./elsewhere.ts";

interface CopyNodes {
  nodes: readonly SourceNode[];
  /** What `target` becomes a copy of. */
  under: string;
  target: string;
  staging: string;
  remote: string | undefined;
  /** Caches that may have the bytes, beside the source's own. */
  caches?: readonly ObjectFolder[];
  /** Whether MD5s are wanted, which cost more than a copy. */
  hashed: boolean;
  /** Whether files of Git pass the filters that are set up here. */
  filtered: boolean;
}

/** A pointer file, a pipeline's, or the ignore file: neither data nor code. */
export function isDvcFile(path: string): boolean {
  return /(?:\.dvc|(?:^|\/)(?:dvc\.(?:yaml|lock)|\.dvcignore))$/.test(path);
}

/** Pointer files and what DVC is to ignore stay behind: what they point to comes. MD5s: of those that are known. */
export async function copyNodes(
  context: Context,
  source: Source,
  { nodes, under, target, staging, remote, caches, hashed, filtered }: CopyNodes,
): Promise<CopiedFiles> {
  const self = nodes.find(({ path }) => path === under);
  const isFolder = self?.isFolder ?? true;
  const wanted = nodes.filter(({ path, link }) => link !== "folder" && (path === under || !isDvcFile(path)));
  const dead = wanted.find(({ link }) => link === "nothing");
  if (dead !== undefined)
    throw new ExpverError("E_NOT_FOUND", `${dead.path} there is a symbolic link to nothing`, {
      hint: "Remove it there, or take a revision: expver data get --rev.",
      details: { path: dead.path, exitCode: 255 },
    });
  if (isFolder) mkdirSync(target);
  const place = ({ path }: SourceNode) =>
    path === under ? target : posix.join(target, under === "" ? path : path.slice(under.length + 1));
  const where = findPlace(context);
  const ours = where?.dvcRoot ? openCache({ ...where, config: source.project.config }) : null;
  const came = await copyFromSource(source, wanted, context, {
    staging,
    place,
    remote,
    ours,
    hashed,
    filtered,
    ...(caches === undefined ? {} : { caches }),
  });
  const start = under === "" ? 0 : under.length + 1;
  return {
    files: wanted.filter((node) => !node.isFolder).length,
    md5s: new Map([...came].map(([{ path }, md5]) => [path.slice(start), md5])),
  };
}
