/** `expver data list URL [PATH]`: what a repository holds, Git's files and DVC's outputs. The JSON is dvc's. */
import { statSync } from "node:fs";
import { posix } from "node:path";
import { fromTop } from "../../../config/paths.ts";
import { topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { blobSizes } from "../../../git/tree.ts";
import { unrunOutputs } from "../../../pipelines/unrun-outputs.ts";
import { compareCodePoints } from "../../../store/objects/listing.ts";
import { openSource, type Source, sourcePath } from "../../../store/sources/source.ts";
import { type SourceNode, sourceTree } from "../../../store/sources/source-tree.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { pointersComeUpon } from "../open-data.ts";
import { bringChained } from "../transfer/fetch-imports.ts";
import { foreignSettings } from "./foreign-settings.ts";

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
    if (input.tree === true && input.json === true)
      throw new ExpverError("E_USAGE", "--tree and --json do not go together", { details: { dialect: "dvc", exitCode: 255 } });
    const shown = { size: input.size === true, hash: input.showHash === true };
    const source = openSource(context, textIn(input.url) ?? ".", {
      rev: textIn(input.rev),
      path: textIn(input.path),
      settings: foreignSettings(context, input),
    });
    try {
      if (isDeep(input) || input.path !== undefined) await bringChained(context, source, wholeOrPath(source, textIn(input.path)));
      const known = [...source.pointers, ...unrunOutputs(source.pipelines())];
      const pointers = source.commit === null ? pointersComeUpon(source.project, known) : known;
      const { json, root } = await listed({ ...source, pointers }, input);
      return { json, tree: input.tree === true ? root : null, ...shown };
    } finally {
      source.close();
    }
  },
};

function isDeep(input: Input): boolean {
  return input.recursive === true || input.tree === true;
}

/** What a typed path means there; without one the whole repository, from wherever it is asked. */
export function wholeOrPath(source: Source, typed: string | undefined): string {
  const { dvcRoot, root } = source.project;
  if (typed !== undefined) return sourcePath(source, typed);
  return source.commit === null ? fromTop(source.project, dvcRoot ?? root) : "";
}

async function listed(source: Source, input: Input): Promise<{ json: ListEntry[]; root: ListEntry }> {
  const typed = textIn(input.path);
  const under = wholeOrPath(source, typed);
  const deep = isDeep(input);
  const depth = input.level === undefined ? Number.POSITIVE_INFINITY : wholeLevel(input.level);
  const dvcOnly = input.dvcOnly === true;
  const wanted = { remote: textIn(input.remote), levels: deep ? depth : 0, asDvc: true };
  const nodes = await sourceTree(source, under, { ...wanted, dvcOnly });
  // What is named may be Git's, and hold nothing of DVC's.
  const all = dvcOnly && under !== "" ? await sourceTree(source, under, { ...wanted, levels: 0 }) : nodes;
  const self = all.find(({ path }) => path === under) ?? (under === "" ? topNode(source) : undefined);
  if (self === undefined) throw new ExpverError("E_NOT_FOUND", `there is no ${typed} there`, { details: { path: typed, exitCode: 1 } });
  const below = (path: string) => (under === "" ? path : path.slice(under.length + 1));
  const isShown = (node: SourceNode) => {
    const path = below(node.path);
    const level = path.split("/").length;
    if (path === "") return false;
    if (input.tree === true) return level <= depth;
    if (!deep) return level === 1;
    return level <= depth && !(node.isFolder && level < depth);
  };
  const isAlone = (!self.isFolder || (deep && depth === 0)) && input.tree !== true;
  const shown = isAlone ? [self] : nodes.filter(isShown);
  if (input.json === true || input.size === true) learnSizes(source, input.tree === true ? [self, ...shown] : shown);
  const alone = typed === undefined ? "." : posix.basename(under);
  const json = shown.map((node) => entryOf(node, isAlone ? alone : below(node.path)));
  // Seen from a folder of that repository, the way to its folder stands before every name.
  if (typed === undefined && source.commit === null && input.tree !== true && !isAlone && source.base !== under) {
    for (const [index, { path }] of shown.entries())
      (json[index] as ListEntry).path = posix.join(posix.relative(source.base, posix.dirname(path)), posix.basename(path));
    json.sort((one, other) => compareCodePoints(one.path, other.path));
  }
  return { json, root: { ...entryOf(self, ""), path: typed ?? "." } };
}

function topNode({ project, commit }: Source): SourceNode {
  const size = commit === null ? statSync(topOf(project)).size : null;
  const blob = commit === null ? null : `${commit}^{tree}`;
  return { path: "", isFolder: true, isexec: false, size, pointer: null, object: null, blob, file: null, link: null };
}

/** Of what a clone left behind: it is brought for that, as there is no other way to know. */
export function learnSizes({ project: { repository } }: Source, nodes: SourceNode[]): void {
  const unknown = nodes.filter(({ blob, size }) => blob !== null && size === null);
  if (repository === null || unknown.length === 0) return;
  const sizes = blobSizes(
    repository,
    unknown.map(({ blob }) => blob ?? ""),
  );
  for (const node of unknown) node.size = sizes.get(node.blob ?? "") ?? null;
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
