/** `expver tag` as text. */
import type { TagData } from "../../workflows/tag.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";
import { renderList } from "./list.ts";
import { renderShow } from "./show.ts";

export function renderTag(data: TagData, terminal: Terminal): string {
  const { style } = terminal;
  if (data.kind === "list") return renderList(data.list, terminal);
  if (data.kind === "show") return renderShow(data.show, terminal);
  const line = (word: string, text: string) => `${style("dim", word.padEnd(6))}  ${text}`;
  if (data.kind === "suggested") {
    const { major, minor, patch } = data.levels;
    return [
      line("next", `${style("bold", data.version)}  ${oneLine(data.line)}`),
      line("", `major ${major} · minor ${minor} · patch ${patch}`),
      line("use", data.next[0] ?? ""),
      "",
    ].join("\n");
  }
  const text = data.kind === "run" ? `${data.tagLine}  ${style("yellow", "(not on the branch)")}` : oneLine(data.line);
  const next = data.kind === "run" ? data.next.map((one) => line("next", one)) : [`not published: expver publish ${data.version}`];
  const proposed = data.proposed ? [line("", style("dim", "the description is proposed; your own words: -m TEXT, or -e"))] : [];
  return [line("tag", `${style("bold", data.version)}  ${text}`), ...proposed, ...next, ""].join("\n");
}
