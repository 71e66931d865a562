/** Keys a program logs, as column names xetrack accepts. */

import { ExpverError } from "../errors.ts";
import { foldName } from "../platform/sqlite.ts";
import type { Column } from "./schema.ts";
import type { Cell } from "./types.ts";

const LONGEST = 64;

/**
 * Names the column of every value: characters outside `[A-Za-z0-9_]` become `_`, at most 64 of them. A column that is
 * there in other case is used. Two keys that come to one name get numbers, so that no value is lost.
 */
export function nameColumns(values: Record<string, Cell>, present: readonly Column[]): [name: string, cell: Cell][] {
  const spelling = new Map(present.map(({ name }) => [foldName(name), name]));
  const taken = new Set<string>();
  return Object.entries(values).map(([key, cell]) => {
    const plain = columnOf(key);
    if (/^(track_id|timestamp)$/i.test(plain)) {
      throw new ExpverError("E_USAGE", `${JSON.stringify(key)} cannot be logged: the key of every row has that name`, { details: { key } });
    }
    let name = plain;
    for (let number = 2; taken.has(foldName(name)); number++) name = `${plain.slice(0, LONGEST - 4)}_${number}`;
    taken.add(foldName(name));
    return [spelling.get(foldName(name)) ?? name, cell];
  });
}

/** The name of a key's column, where no other key comes to the same. */
export function columnOf(key: string): string {
  return key.replace(/[^A-Za-z0-9_]/g, "_").slice(0, LONGEST) || "_";
}
