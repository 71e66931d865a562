/** `expver data list URL [PATH]`: what a repository holds, Git's files and DVC's outputs. The JSON is dvc's. */
import { posix, relative } from "node:path";
import { topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { unrunOutputs } from "../../../pipelines/unrun-outputs.ts";
import { openSource, type Source } from "../../../store/source.ts";
import { type SourceNode, sourceTree } from "../../../store/source-tree.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { bringChained } from "../transfer/fetch-imports.ts";
import { refuseForeignConfig, sourcePath } from "./source-path.ts";

export interface ListEntry {
  isout: boolean;
  isdir: boolean;
  isexec: boolean;
  size: number | null;
  md5: string | null;
  path: string;
}

export interface ListResult {
  json: ListEntry[];
  /** Null: a plain list; else what the tree starts with. */
  tree: ListEntry | null;
  size: boolean;
  hash: boolean;
}

export const dataList: ReadWorkflow<Input, ListResult> = {
  async read(context, input) {
    const shown = { size: input.size === true, hash: input.showHash === true };
    refuseForeignConfig(input);
    const source = openSource(context, textIn(input.url) ?? ".", { rev: textIn(input.rev) });
    try {
      // Into the clone: nothing is written into a repository that is only looked at.
      if (source.isClone)
        await bringChained(context, source, textIn(input.path) === undefined ? "" : sourcePath(source, textIn(input.path)));
      const pointers = [...source.pointers, ...unrunOutputs(source.project, source.commit)];
      const { json, root } = await listed({ ...source, pointers }, input);
      return { json, tree: input.tree === true ? root : null, ...shown };
    } finally {
      source.close();
    }
  },
};

async function listed(source: Source, input: Input): Promise<{ json: ListEntry[]; root: ListEntry }> {
  const typed = textIn(input.path);
  const { dvcRoot, root } = source.project;
  const whole = source.commit === null ? relative(topOf(source.project), dvcRoot ?? root) : "";
  const under = typed === undefined ? whole : sourcePath(source, typed);
  const deep = input.recursive === true || input.tree === true;
  const nodes = await sourceTree(source, under, { remote: textIn(input.remote), members: deep, dvcOnly: input.dvcOnly === true });
  const self = nodes.find(({ path }) => path === under);
  if (under !== "" && self === undefined)
    throw new ExpverError("E_NOT_FOUND", `there is no ${typed} there`, { details: { path: typed, exitCode: 1 } });
  const depth = input.level === undefined ? Number.POSITIVE_INFINITY : wholeLevel(input.level);
  const below = (path: string) => (under === "" ? path : path.slice(under.length + 1));
  const entries = nodes.flatMap((node) => {
    const path = below(node.path);
    const level = path.split("/").length;
    if (path === "") return [];
    if (input.tree === true) return level > depth ? [] : [entryOf(node, path)];
    if (!deep) return level > 1 ? [] : [entryOf(node, path)];
    return level > depth || (node.isFolder && level < depth) ? [] : [entryOf(node, path)];
  });
  const isAlone = self !== undefined && (!self.isFolder || depth === 0) && input.tree !== true;
  const json = isAlone ? [entryOf(self, posix.basename(under))] : entries;
  // Seen from a folder of that repository, the way to its root stands before every name.
  const way = typed === undefined && source.commit === null && input.tree !== true ? posix.relative(source.base, under) : "";
  // That changes nothing about their order.
  if (way !== "") for (const entry of json) entry.path = posix.join(way, entry.path);
  const top: ListEntry = { isout: false, isdir: true, isexec: false, size: null, md5: null, path: "" };
  return {
    json,
    root: { ...(self === undefined ? top : entryOf(self, "")), path: typed ?? "." },
  };
}

function entryOf(node: SourceNode, path: string): ListEntry {
  const { isFolder, isexec, size, pointer, object } = node;
  return { isout: pointer !== null, isdir: isFolder, isexec: isexec && !isFolder, size, md5: object?.hash ?? null, path };
}

/** As typed. Throws E_USAGE. */
export function wholeLevel(level: Input[string]): number {
  const number = Number(level);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new ExpverError("E_USAGE", `--level is ${JSON.stringify(level)}; expected a number`, { details: { dialect: "dvc" } });
}
