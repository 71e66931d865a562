/** The skill's "schema mismatch during merge": what the results databases of experiments have in other columns than the one they go into. */
import { existsSync } from "node:fs";
import { openProject, type Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import { contextIn } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { someOf } from "../../platform/words.ts";
import { openResults } from "../../results/database.ts";
import { type Column, type EventsTable, eventsTables } from "../../results/schema.ts";
import { folderOf, insideOf, isThere, mainProject, recordsOf } from "../worktree/records.ts";
import type { Check, Finding } from "./check.ts";

export const resultsSchemas: Check = {
  id: "results-schemas",
  title: "columns of the results of experiment worktrees",
  find({ project, context }) {
    if (project === null || project.repository === null || project.repository.bare) return [];
    const { repository } = project;
    const own = folderOf(project).folder;
    const records = recordsOf(project, "experiment").filter(({ folder }) => folder === own);
    const here = records.length === 0 ? null : tablesOf(mainProject(project, repository, context));
    if (here === null) return [];
    return records.flatMap((record) => {
      const there = isThere(repository, record) ? tablesIn(context, insideOf(record)) : null;
      return there === null ? [] : mismatches(record.name, here, there);
    });
  },
};

/** A worktree whose configuration cannot be read is another check's. */
function tablesIn(context: Context, folder: string): EventsTable[] | null {
  try {
    return tablesOf(openProject(contextIn(context, folder)));
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

/** Null: there is no database, or none that can be read, which is another check's. */
function tablesOf(project: Project): EventsTable[] | null {
  const path = resultsDatabase(project);
  if (!existsSync(path)) return null;
  try {
    const db = openResults(path, { readonly: true });
    try {
      return eventsTables(db);
    } finally {
      db.close();
    }
  } catch {
    return null;
  }
}

function mismatches(name: string, here: readonly EventsTable[], there: readonly EventsTable[]): Finding[] {
  const remedy = `expver merge ${name} --dry-run shows what comes of it`;
  return there.flatMap((table): Finding[] => {
    const ours = here.find((one) => isSame(one, table));
    // A table that is new comes over as it is.
    if (ours === undefined || ours.columns.length === 0) return [];
    const [added, lacking] = [others(table.columns, ours.columns), others(ours.columns, table.columns)];
    const retyped = table.columns.flatMap((column) => {
      const other = ours.columns.find((one) => isSame(one, column));
      return other === undefined || other.type.toLowerCase() === column.type.toLowerCase()
        ? []
        : [`${column.name} is ${column.type || "untyped"} there and ${other.type || "untyped"} here`];
    });
    const where = `results of ${name}, table ${table.name}:`;
    const onlyThere = added.length === 0 ? [] : [`only there ${someOf(added)}`];
    const onlyHere = lacking.length === 0 ? [] : [`only here ${someOf(lacking)}`];
    const columns = [...onlyThere, ...onlyHere].join("; ");
    return [
      ...(columns === ""
        ? []
        : [
            {
              level: "note" as const,
              what: `${where} ${columns}. A merge takes all columns; rows that lack one have no value in it`,
              remedy,
            },
          ]),
      ...(retyped.length === 0
        ? []
        : [{ level: "warning" as const, what: `${where} ${someOf(retyped)}. A merge keeps every value and widens the column`, remedy }]),
      ...(ours.keyed || !table.keyed
        ? []
        : [
            {
              level: "warning" as const,
              what: `${where} its rows have the key track_id, timestamp only there. A merge tells rows apart by all their values`,
              remedy: `expver merge ${name} --id-column COLUMN, when one tells them apart`,
            },
          ]),
    ];
  });
}

/** SQLite's names are the same in capital letters. */
function isSame(one: { name: string }, other: { name: string }): boolean {
  return one.name.toLowerCase() === other.name.toLowerCase();
}

function others(columns: readonly Column[], known: readonly Column[]): string[] {
  return columns.filter((column) => !known.some((one) => isSame(one, column))).map((column) => column.name);
}
