/** What plans have in common. */
import { createHash } from "node:crypto";
import type { Place } from "../config/project.ts";
import { applyTextEdits } from "../journal/file-edits.ts";
import type { OpenOperation } from "../journal/operations.ts";
import type { FileEdit } from "../store/types.ts";

/** Twelve hex digits over facts (plain data); the order of keys does not matter, that of lists does. */
export function fingerprintOf(facts: unknown): string {
  return fingerprintOfEach([facts]);
}

/** Over many facts, of which none is kept: a million of them and their text would be a third of a command's memory. */
export function fingerprintOfEach(facts: Iterable<unknown>): string {
  const sum = createHash("sha256");
  for (const fact of facts) sum.update(textOf(fact));
  return sum.digest("hex").slice(0, 12);
}

function textOf(fact: unknown): string {
  return JSON.stringify(fact, (_key, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof Map) return [...value];
    if (value === undefined) return null;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}

/** Journals and writes a plan's file edits; throws E_PLAN_STALE, with nothing written, when a file is no longer what it was. */
export function applyFileEdits(project: Place, operation: OpenOperation, edits: readonly FileEdit[]): void {
  applyTextEdits(project, operation, edits);
}
