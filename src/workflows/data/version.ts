/** `expver data version`: whose dvc this stands for, and what it found here. dvc's layout. */
import { join } from "node:path";
import { findPlace } from "../../config/project.ts";
import { networkFileSystem } from "../../platform/file-system.ts";
import { isFolder } from "../../platform/files.ts";
import { DVC_VERSION, VERSION } from "../../platform/version.ts";
import { configFile, isUrl, readDvcConfig } from "../../store/settings/dvc-config.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import type { LinesResult } from "./root.ts";

export const dataVersion: ReadWorkflow<Input, LinesResult> = {
  async read(context) {
    const title = `DVC version: ${DVC_VERSION} (expver ${VERSION})`;
    const place = findPlace(context);
    const lines = [title, "-".repeat(title.length), `Platform: Node ${process.version} on ${process.platform}-${process.arch}`];
    if (place === null || place.dvcRoot === null) return { lines, exitCode: 0 };
    const { cache, remotes } = readDvcConfig(place);
    const kinds = [...remotes.values()].map(({ url }) => (isUrl(url) ? (/^\w+/.exec(url)?.[0] ?? "") : "local"));
    const folder = (path: string) => `${networkFileSystem(path) ?? "local"} file system at ${path}`;
    lines.push(
      "Config:",
      `\tGlobal: ${join(configFile(place, "global"), "..")}`,
      `\tSystem: ${join(configFile(place, "system"), "..")}`,
      ...(isFolder(cache.dir) ? [`Cache types: ${cache.linkTypes.join(", ")}`, `Cache directory: ${folder(cache.dir)}`] : []),
      "Caches: local",
      `Remotes: ${kinds.length === 0 ? "None" : kinds.join(", ")}`,
      `Workspace directory: ${folder(place.dvcRoot)}`,
      `Repo: dvc, ${place.repository === null ? "no_scm" : "git"}`,
    );
    return { lines, exitCode: 0 };
  },
};
