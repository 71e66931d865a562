/** The `md5` an import's `.dvc` file carries at its top: DVC takes another one for a change of the file. */

import { setYamlSource } from "../../config/edit-yaml.ts";
import { loadYaml } from "../../config/yaml.ts";
import { md5Of } from "../../platform/hashing.ts";
import { asciiJson } from "../objects/listing.ts";
import { withoutEntry } from "./pointer-edit.ts";
import { yamlScalar } from "./yaml-scalar.ts";

const TOP_LEFT_OUT = new Set(["md5", "meta", "desc"]);
const LEFT_OUT = new Set(["desc", "type", "labels", "meta", "locked", "frozen", "metric", "persist", "isexec", "size", "nfiles"]);

/** Of the text of a pointer file, whether or not it has one already. */
export function stageMd5(text: string, file: string): string {
  const top = loadYaml(text, file) as Record<string, unknown>;
  const kept = Object.entries(top).filter(([key, value]) => !TOP_LEFT_OUT.has(key) && !(key === "wdir" && value === "."));
  return md5Of(Buffer.from(sortedJson(Object.fromEntries(kept))));
}

/** Whether it carries another one than it should: what was edited by hand. */
export function hasOtherStageMd5(text: string, file: string): boolean {
  if (!/^(?:md5|deps|cmd):/m.test(text)) return false;
  const top = loadYaml(text, file) as Record<string, unknown>;
  return (top.md5 ?? null) !== (isOwnData(top) ? null : stageMd5(text, file));
}

/** What `dvc add` tracks has none. */
function isOwnData({ deps, cmd }: Record<string, unknown>): boolean {
  return cmd === undefined && (!Array.isArray(deps) || deps.length === 0);
}

/** A pointer file that was edited, with the one that is right now where it carries any, or is to (`always`). */
export function withStageMd5(text: string, file: string, { always = false } = {}): string {
  const has = /^md5:/m.test(text);
  if (!has && !always) return text;
  if (!always && isOwnData(loadYaml(text, file) as Record<string, unknown>)) return withoutEntry(text, ["md5"], file);
  const md5 = yamlScalar(stageMd5(text, file), 0, 0);
  return has ? setYamlSource(text, ["md5"], md5) : `md5: ${md5}\n${text}`;
}

/** As Python's `json.dumps(value, sort_keys=True)`, without what does not count. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value)
      .filter(([key]) => !LEFT_OUT.has(key))
      .sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${pairs.map(([key, item]) => `${asciiJson(key)}: ${sortedJson(item)}`).join(", ")}}`;
  }
  return typeof value === "string" ? asciiJson(value) : JSON.stringify(value ?? null);
}
