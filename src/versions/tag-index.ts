/**
 * What tags say, kept by the object each tag stands for: reading thousands of messages anew costs more than all else a list does.
 *
 * One file in the state folder. Safe to delete; one that is damaged, of another schema or somebody else's counts as none, and then
 * all is read from Git. Its first line is `expver tags SCHEMA MD5-OF-THE-REST`, then a line for each object: its name, the commit it
 * leads to (`-`: none), the rest as JSON, which is parsed when it is asked for.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../platform/files.ts";
import type { Version } from "./types.ts";

/** What follows from the object a tag stands for, and never changes. */
export type TagFacts = Pick<Version, "tagObject" | "tagger" | "date" | "committed" | "message" | "problems">;

export interface KnownTag {
  /** Empty: it leads to none. */
  commit: string;
  /** Worked out when asked for: most who read the registry ask about one version, or about names. */
  facts(): TagFacts;
}

/** Goes up whenever another thing is read out of the same message. */
const SCHEMA = 3;

/** By object; null when there is none that can be used. */
export function readTagIndex(stateDir: string): Map<string, KnownTag> | null {
  const bytes = read(fileOf(stateDir));
  const end = bytes.indexOf("\n") + 1;
  if (bytes.toString("latin1", 0, end) !== headOf(bytes.subarray(end))) return null;
  const text = bytes.toString("utf8", end);
  const known = new Map<string, KnownTag>();
  for (let at = 0; at < text.length; ) {
    const [object, commit, next] = [text.indexOf(" ", at), text.indexOf(" ", text.indexOf(" ", at) + 1), text.indexOf("\n", at)];
    const said = text.slice(commit + 1, next);
    const leadsTo = text.slice(object + 1, commit);
    known.set(text.slice(at, object), { commit: leadsTo === "-" ? "" : leadsTo, facts: () => JSON.parse(said) as TagFacts });
    at = next + 1;
  }
  return known;
}

/** Replaces the one there is, where it may. */
export function saveTagIndex(stateDir: string, tags: Iterable<KnownTag & { object: string }>): void {
  const lines = [...tags].map(({ object, commit, facts }) => `${object} ${commit || "-"} ${JSON.stringify(facts())}\n`);
  const body = Buffer.from(lines.join(""));
  try {
    writeFileAtomic(fileOf(stateDir), Buffer.concat([Buffer.from(headOf(body)), body]));
  } catch {
    // Only a memory: who may not write here reads the messages each time.
  }
}

function headOf(body: Buffer): string {
  return `expver tags ${SCHEMA} ${createHash("md5").update(body).digest("hex")}\n`;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

function fileOf(stateDir: string): string {
  return join(stateDir, "versions", "tags");
}
