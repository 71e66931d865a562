/** What was fetched, and where it is now. */
import { relative } from "node:path";
import type { Got } from "../../workflows/get.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";

export function renderGet({ version, commit, path, out, files, bytes, hash }: Got, { style }: Terminal): string {
  const from = commit === "" ? "as it lies here" : "from Git";
  const checked = hash === null ? from : `checked against ${hash.slice(0, 6)}`;
  const count = files === 1 ? "" : `${files} files, `;
  const near = relative(process.cwd(), out);
  return `${style("bold", near.startsWith("..") ? out : near)}  ${path} of ${version}  ${style("dim", `${count}${formatBytes(bytes)}, ${checked}`)}\n`;
}
