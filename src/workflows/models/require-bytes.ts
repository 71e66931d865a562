/** Whether bytes can be had at all, before a plan promises them. */
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { openCache } from "../../store/objects/cache.ts";
import { keyOf, type ObjectName, trustedSize } from "../../store/objects/layout.ts";
import { openRemote } from "../../store/remotes/open-remote.ts";
import { readDvcConfig } from "../../store/settings/dvc-config.ts";
import type { Source } from "../../store/sources/source.ts";
import type { SourceNode } from "../../store/sources/source-tree.ts";

/** Throws E_NOT_FOUND when there is no such path, E_NOT_STORED when bytes are neither in the cache nor on the remote. */
export async function requireBytes(
  context: Context,
  { project }: Source,
  { nodes, path, remote }: { nodes: readonly SourceNode[]; path: string; remote: string | undefined },
): Promise<void> {
  if (!nodes.some((node) => node.path === path)) throw new ExpverError("E_NOT_FOUND", `there is no ${path}`, { details: { path } });
  const { dir } = openCache(project);
  const wanted = nodes.filter(({ isFolder, file, blob, object }) => !isFolder && file === null && blob === null && object !== null);
  const absent = wanted.flatMap(({ object, pointer }) =>
    trustedSize(dir, object as ObjectName) === null ? [{ object: object as ObjectName, from: pointer?.remote ?? remote }] : [],
  );
  for (const from of new Set(absent.map((one) => one.from))) {
    const objects = absent.filter((one) => one.from === from).map(({ object }) => object);
    const isNowhere = from === undefined && readDvcConfig(project).defaultRemote === null;
    const there = new Set(isNowhere ? [] : (await openRemote(project, from).present(objects, context)).map(keyOf));
    const lost = objects.filter((object) => !there.has(keyOf(object)));
    if (lost.length === 0) continue;
    throw new ExpverError("E_NOT_STORED", `the bytes of ${path} (${lost[0]?.hash}) are neither in the cache nor on a remote`, {
      hint: "Push them from where they were stored (expver data push), or choose another model: expver models list.",
      details: { path, objects: lost.map(({ hash }) => hash) },
    });
  }
}
