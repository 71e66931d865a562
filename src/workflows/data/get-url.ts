/** `expver data get-url PATH [OUT]`: a copy of a file or folder of this machine. Tracks nothing. */
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { createPlacer } from "../../platform/links.ts";
import { paceWork, type Work } from "../../platform/pace.ts";
import { isUrl } from "../../store/dvc-config.ts";
import { isHere } from "../../store/status.ts";
import { type WalkedFile, walkFiles } from "../../store/walk.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { deliver, deliveryPath } from "./deliver.ts";
import type { GetResult } from "./get.ts";

interface GetUrlPlan extends Plan {
  /** Absolute. */
  from: string;
  out: string;
}

export const dataGetUrl: WriteWorkflow<Input, GetUrlPlan, GetResult> = {
  async plan(context, input) {
    const from = localUrl(context, String(input.url));
    const out = deliveryPath(context, { from, out: textIn(input.out), force: input.force === true });
    if (!existsSync(from)) throw new ExpverError("E_NOT_FOUND", `there is no ${from}`, { details: { path: from } });
    return {
      command: "data get-url",
      steps: [{ verb: "copy", target: out, detail: `from ${from}` }],
      destructive: false,
      fingerprint: fingerprintOf({ from, out }),
      from,
      out,
    };
  },

  async apply(context, { from, out }) {
    let files = 0;
    await deliver(context, out, {
      command: "data get-url",
      make: async (target) => {
        files = await paceWork(copying(from, target), context, { label: "copying" });
      },
    });
    return { out, files, url: null };
  },
};

/** The path a URL of this machine means. Throws E_REMOTE for other places. */
export function localUrl(context: Context, url: string): string {
  if (url.startsWith("file://")) return fileURLToPath(url);
  if (!isUrl(url)) return resolve(context.cwd, url);
  throw new ExpverError("E_REMOTE", `${url}: only paths of this machine can be read by name so far`, {
    hint: "Use `dvc get-url` or `dvc import-url`; what they write is read here.",
    details: { url },
  });
}

export function* copying(from: string, target: string): Work<number> {
  const placer = createPlacer(["copy"]);
  const isFolder = isHere(from) && statSync(from).isDirectory();
  const files: WalkedFile[] = isFolder ? walkFiles(from) : [{ relpath: "", path: from, stat: statSync(from), isLink: false }];
  if (isFolder) mkdirSync(target);
  for (const { relpath, path, stat } of files) {
    const to = join(target, relpath);
    mkdirSync(dirname(to), { recursive: true });
    placer.place(path, to, { size: stat.size, copyOnly: true });
    chmodSync(to, 0o666 & ~process.umask());
    yield { files: 1, bytes: stat.size };
  }
  return files.length;
}
