/** `expver publish` as text. */
import { someOf } from "../../platform/words.ts";
import type { Published } from "../../workflows/publish/apply.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";

const SHOWN = 8;

export function renderPublish({ remote, dataRemotes, objects, branch, versions, others, next }: Published, { style }: Terminal): string {
  const left =
    others.length === 0 ? "" : `not made here, and not on ${remote}: ${someOf(others, SHOWN)} · by name: expver publish ${others[0]}\n`;
  if (versions.length === 0 && branch?.state !== "pushed") return `nothing to publish: every version made here is published\n${left}`;
  const line = (word: string, text: string) => `  ${style("dim", word.padEnd(7))}  ${text}`;
  const lines: string[] = [];
  if (dataRemotes.length > 0) {
    const sent = objects.sent === 0 ? "" : `${objects.sent} sent (${formatBytes(objects.bytes)}) · `;
    lines.push(line("objects", `${sent}${objects.there} were there already  → ${dataRemotes.join(", ")}`));
  }
  if (branch?.state === "pushed") lines.push(line("branch", `${branch.name}  → ${remote}`));
  if (branch?.state === "left" && branch.name !== null)
    lines.push(line("branch", `${branch.name} stays here: none of these versions is on it`));
  for (const { version, state, was } of versions) {
    const before = was === null ? "" : `  ${style("yellow", `(was ${was}, which another clone took)`)}`;
    const where = state === "published" ? `  → ${remote}` : state === "was there" ? `  was on ${remote} already` : "";
    lines.push(line("tag", `${style("bold", version)}${where}${before}`));
  }
  if (remote === null) lines.push("  no Git remote: only objects were sent, the tags stay here", ...next.map((one) => line("next", one)));
  return `${lines.join("\n")}\n${left}`;
}
