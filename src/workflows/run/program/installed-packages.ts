/**
 * The packages a Python finds, by the names of what their installers left: `torch-2.4.0.dist-info` beside the package, and
 * `conda-meta/cudatoolkit-11.8.0-h6a678d5_0.json` of what is no Python package. Nothing of them is loaded.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readableNamesIn } from "../../../platform/files.ts";
import { fieldsOf } from "../../../platform/mapping.ts";
import { pythonName } from "../../../platform/python-name.ts";
import { compareCodePoints } from "../../../store/objects/listing.ts";
import type { PythonFacts } from "./python.ts";

/** Version by name, in the order of the names; what conda alone has is called `conda:NAME`. */
export function installedPackages({ prefix, path }: Pick<PythonFacts, "prefix" | "path">): Record<string, string> {
  const found = new Map<string, string>();
  for (const folder of path) {
    for (const entry of readableNamesIn(folder)) {
      const [, name, version] = /^(.+?)-([^-]+)(?:-py\d[^-]*)?\.(?:dist|egg)-info$/.exec(entry) ?? [];
      // Of two it is the first one that is imported.
      if (name === undefined || version === undefined || found.has(pythonName(name))) continue;
      found.set(pythonName(name), version + sourceOf(join(folder, entry)));
    }
  }
  for (const entry of readableNamesIn(join(prefix, "conda-meta"))) {
    const [, name, version] = /^(.+)-([^-]+)-[^-]+\.json$/.exec(entry) ?? [];
    if (name !== undefined && version !== undefined && !found.has(pythonName(name))) found.set(`conda:${name}`, version);
  }
  return Object.fromEntries([...found].sort(([one], [other]) => compareCodePoints(one, other)));
}

/** What came from a repository has the same version at many commits. */
function sourceOf(folder: string): string {
  try {
    const { commit_id: commit } = fieldsOf(fieldsOf(JSON.parse(readFileSync(join(folder, "direct_url.json"), "utf8"))).vcs_info);
    return typeof commit === "string" ? ` (${commit.slice(0, 12)})` : "";
  } catch {
    return ""; // as nearly all of them: it came from an index
  }
}
