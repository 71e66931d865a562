/** `expver data du URL [PATH]`: how many bytes are in a folder of a repository, checked out there or not. What is printed is dvc's. */
import { ExpverError } from "../../../errors.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { sizeThere } from "../../../store/objects/layout.ts";
import { compareCodePoints } from "../../../store/objects/listing.ts";
import { openSource, type Source } from "../../../store/sources/source.ts";
import { type SourceNode, sourceTree } from "../../../store/sources/source-tree.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { withExitCode } from "../exit-codes.ts";
import { bringChained } from "../transfer/fetch-imports.ts";
import { isDvcFile } from "./copy-nodes.ts";
import { foreignSettings } from "./foreign-settings.ts";
import { learnSizes, wholeOrPath } from "./list.ts";

export interface DuResult {
  /** What lies in the folder, then the folder itself: as it was typed, empty for the root. */
  entries: { path: string; size: number }[];
}

export const dataDu: ReadWorkflow<Input, DuResult> = {
  async read(context, input) {
    const typed = textIn(input.path) ?? "";
    try {
      const settings = foreignSettings(context, input);
      const source = openSource(context, String(input.url), { rev: textIn(input.rev), path: typed, settings });
      try {
        const under = wholeOrPath(source, textIn(input.path));
        await bringChained(context, source, under);
        const nodes = await sourceTree(source, under, { remote: textIn(input.remote), asDvc: true, isSizeEnough: true });
        return { entries: entriesOf(source, nodes, { typed, under, isSum: input.summarize === true }) };
      } finally {
        source.close();
      }
    } catch (error) {
      throw error instanceof ExpverError ? withExitCode(error, 255) : error;
    }
  },
};

function entriesOf(
  source: Source,
  nodes: readonly SourceNode[],
  { typed, under, isSum }: { typed: string; under: string; isSum: boolean },
): DuResult["entries"] {
  const self = nodes.find(({ path }) => path === under);
  if (self === undefined && under !== "") throw new ExpverError("E_NOT_FOUND", `there is no ${typed} there`, { details: { path: typed } });
  const counted = nodes.filter((node) => node === self || !isDvcFile(node.path));
  learnSizes(
    source,
    counted.filter(({ isFolder }) => !isFolder),
  );
  const [sizes, bytesOf] = [new Map<string, number>(), bytesIn(source)];
  for (const node of counted) {
    const name = under === "" ? node.path : node.path.slice(under.length + 1);
    const [first = ""] = name.split("/");
    if (node.path !== under) sizes.set(first, (sizes.get(first) ?? 0) + bytesOf(node));
  }
  const within = [...sizes].sort(([one], [other]) => compareCodePoints(one, other));
  const own = self === undefined ? 0 : bytesOf(self);
  const total = own > 0 ? own : within.reduce((sum, [, size]) => sum + size, 0);
  const joined = (name: string) => (typed === "" || typed.endsWith("/") ? `${typed}${name}` : `${typed}/${name}`);
  return [...(isSum ? [] : within.map(([name, size]) => ({ path: joined(name), size }))), { path: typed, size: total }];
}

/** Of a file, and of a folder whose members were not asked for. A member that is not there is as large as its object in the cache. */
function bytesIn({ project }: Source): (node: SourceNode) => number {
  const { dir } = openCache(project);
  return ({ isFolder, file, blob, size, object }) => {
    if (!isFolder) return size ?? (object === null ? 0 : (sizeThere(dir, object) ?? 0));
    const isOpened = file !== null || blob !== null;
    return isOpened || object === null ? 0 : (size ?? 0);
  };
}
