/** What was fetched, and where it is now. */
import { relative } from "node:path";
import type { Got } from "../../workflows/get.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";

export function renderGet({ version, commit, path, out, files, bytes, hash, checked }: Got, { style }: Terminal): string {
  const ofGit = commit === "" ? "as it lies here" : "from Git";
  const pointers = checked === files ? "checked against pointers" : `${checked} checked against pointers, ${files - checked} from Git`;
  const from = hash === null ? (checked === 0 ? ofGit : pointers) : `checked against ${hash.slice(0, 6)}`;
  const count = files === 1 ? "" : `${files} files, `;
  const near = relative(process.cwd(), out);
  return `${style("bold", near.startsWith("..") ? out : near)}  ${path || "all"} of ${version}  ${style("dim", `${count}${formatBytes(bytes)}, ${from}`)}\n`;
}
