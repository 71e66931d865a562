import type { AddResult } from "../../workflows/data/add.ts";
import type { DataStatus } from "../../workflows/data/status.ts";
import { formatBytes } from "../reporter.ts";

export function renderDataAdd({ added }: AddResult): string {
  return added
    .map(({ path, hash, size, nfiles, changed }) => {
      const amount = `${nfiles === undefined ? "" : `${nfiles} files, `}${formatBytes(size)}`;
      return changed ? `  track  ${path}  ${hash.slice(0, 6)}  (${amount})` : `  same   ${path}  ${hash.slice(0, 6)}`;
    })
    .join("\n");
}

export function renderDataStatus({ outputs }: DataStatus): string {
  if (outputs.length === 0) return "nothing is tracked yet: expver data add PATH";
  const width = Math.max(...outputs.map(({ state }) => state.length));
  return outputs.map(({ path, state, hash }) => `  ${state.padEnd(width)}  ${hash?.slice(0, 6) ?? "      "}  ${path}`).join("\n");
}
