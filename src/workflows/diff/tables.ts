/** Rows and columns of tracked tables that differ. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import type { TableDifference } from "../../merge/data/compare-data.ts";
import { isDataFile } from "../../merge/data/data-file.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import type { ArtifactDifference } from "./artifacts.ts";
import type { Side } from "./sides.ts";

export interface TableChange {
  path: string;
  from: string;
  to: string;
  /** Null: not all bytes are here (`missing` says of which side). */
  difference: TableDifference | null;
  missing: string[];
}

/** Each side against the first. Results databases have their own comparisons. */
export async function tableChanges(
  project: Project,
  artifacts: readonly ArtifactDifference[],
  { sides, key }: { sides: readonly Side[]; key: readonly string[] },
): Promise<TableChange[]> {
  const { compareTables } = await import("../../merge/data/compare-data.ts");
  const [first] = sides;
  const changes: TableChange[] = [];
  for (const { path, values } of artifacts.filter((one) => one.differs && isDataFile(one.path))) {
    for (const [index, side] of sides.entries()) {
      const [from, to] = [values[0], values[index]];
      if (first === undefined || index === 0 || !from || !to || from.hash === to.hash) continue;
      const [before, after] = [bytesOf(project, first, from), bytesOf(project, side, to)];
      const missing = [...(before === null ? [first.name] : []), ...(after === null ? [side.name] : [])];
      const difference = before === null || after === null ? null : await compareTables({ before, after, name: path, key });
      changes.push({ path, from: first.name, to: side.name, difference, missing });
    }
  }
  return changes;
}

function bytesOf(project: Project, { root }: Side, { path, hash }: { path: string; hash: string }): string | null {
  const file = root === null ? objectFile(cacheDir(project), hash) : join(root, path);
  return existsSync(file) ? file : null;
}
