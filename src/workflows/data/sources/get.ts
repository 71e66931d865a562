import { ExpverError, failedWith } from "../../../errors.ts";
import { shownAddress } from "../../../git/shown-address.ts";
import type { Context } from "../../../platform/context.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { objectPath } from "../../../store/objects/layout.ts";
import { readDvcConfig } from "../../../store/settings/dvc-config.ts";
import { openSource, type Source, sourcePath } from "../../../store/sources/source.ts";
import { type SourceNode, sourceTree } from "../../../store/sources/source-tree.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { openConfigured, withExitCode } from "../exit-codes.ts";
import { bringChained } from "../transfer/fetch-imports.ts";
import { copyNodes } from "./copy-nodes.ts";
import { deliver, deliveryPath, refusePointerName } from "./deliver.ts";
import { foreignSettings } from "./foreign-settings.ts";

interface GetPlan extends Plan {
  url: string;
  path: string;
  rev: string | undefined;
  remote: string | undefined;
  settings: ReturnType<typeof foreignSettings>;
  /** Absolute. */
  out: string;
  force: boolean;
  showUrl: boolean;
}

export interface GetResult {
  /** Absolute. */
  out: string;
  files: number;
  /** Only with `--show-url`. */
  url: string | null;
}

export const dataGet: WriteWorkflow<Input, GetPlan, GetResult> = {
  async plan(context, input) {
    const [url, path] = [String(input.url), String(input.path)];
    const showUrl = input.showUrl === true;
    const out = deliveryPath(context, { from: path, out: textIn(input.out), force: input.force === true || showUrl });
    if (!showUrl) refusePointerName(out);
    return {
      command: "data get",
      steps: [{ verb: "copy", target: out, detail: `from ${shownAddress(url)}` }],
      // dvc asks nothing here either: --force is the yes.
      destructive: false,
      fingerprint: fingerprintOf({ url, path, out, rev: input.rev }),
      url,
      path,
      rev: textIn(input.rev),
      remote: textIn(input.remote),
      settings: foreignSettings(context, showUrl ? { ...input, config: undefined } : input),
      out,
      force: input.force === true,
      showUrl,
    };
  },

  async apply(context, { url, path, rev, remote, settings, out, force, showUrl }) {
    const source = showUrl ? openShown(context, url, { rev, settings, path }) : openSource(context, url, { rev, settings, path });
    try {
      const under = sourcePath(source, path);
      if (!showUrl) await bringChained(context, source, under);
      const nodes = await sourceTree(source, under, { remote, asDvc: true });
      const self = nodes.find((node) => node.path === under);
      if (self === undefined && under !== "")
        throw new ExpverError("E_NOT_FOUND", `there is no ${path} there`, { details: { path, exitCode: 255 } });
      if (showUrl) return { out, files: 0, url: storedAt(source, self, { path, remote }) };
      let files = 0;
      await deliver(context, out, {
        command: "data get",
        force,
        make: async (target, staging) => {
          files = (await copyNodes(context, source, { nodes, under, target, staging, remote, hashed: false, filtered: true })).files;
        },
      });
      return { out, files, url: null };
    } finally {
      source.close();
    }
  },
};

/** What is wrong with the revision is no failure that dvc expects there. */
function openShown(context: Context, url: string, options: Pick<GetPlan, "rev" | "settings" | "path">): Source {
  try {
    return openSource(context, url, options);
  } catch (error) {
    throw failedWith(error, "E_NOT_FOUND") ? withExitCode(error, 255) : error;
  }
}

function storedAt(
  { project, isClone }: Source,
  node: SourceNode | undefined,
  { path, remote }: { path: string; remote: string | undefined },
): string {
  if (!node?.object) throw new ExpverError("E_NOT_FOUND", `${path} is not data that DVC tracks`, { details: { path, exitCode: 255 } });
  const name = node.pointer?.remote ?? remote;
  // A repository on this machine that has no remote is read from its cache.
  if (name === undefined && !isClone && readDvcConfig(project).defaultRemote === null)
    return objectPath(openCache(project).dir, node.object);
  return objectPath(openConfigured(project, name).location, node.object);
}
