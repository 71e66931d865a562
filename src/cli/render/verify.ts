/** `expver verify` as text: a line a version, and every link that does not hold. */
import { type Link, REFETCH, UNSHALLOW } from "../../provenance/chain.ts";
import type { Verified } from "../../workflows/verify.ts";
import type { Terminal } from "../terminal.ts";
import { textWidth, wrapText } from "../text-width.ts";

/** Where what is said of a link begins. */
const INDENT = 30;

export function renderVerify({ versions, links }: Verified, { style, width }: Terminal): string {
  if (versions.length === 0) return "there are no versions yet (`expver sync` brings those of the Git remote)\n";
  const alone = versions.length === 1;
  const lines = versions.flatMap(({ version, state, links: own }) => {
    const colour = state === "broken" ? "red" : state === "whole" ? "green" : "yellow";
    const shown = alone ? own : own.filter((link) => link.state === "missing" || link.state === "wrong");
    return [`${style("bold", version)}  ${style(colour, state)}`, ...shown.map((link) => linkText(link, width - INDENT))];
  });
  const counts = Object.entries(links).filter(([, count]) => count > 0);
  if (!alone) lines.push(...unreadNotes(versions));
  return `${[...lines, counts.map(([state, count]) => `${count} ${state}`).join(" · ")].join("\n")}\n`;
}

/** One line for each of the ways there are to bring what is not here. */
function unreadNotes(versions: Verified["versions"]): string[] {
  const unread = versions.flatMap(({ links }) => links.filter(({ state }) => state === "unread"));
  const git = unread.filter(({ kind }) => kind === "code" || kind === "results commit");
  const shallow = git.some(({ detail }) => detail.endsWith(UNSHALLOW));
  const partial = git.some(({ detail }) => detail.endsWith(REFETCH));
  return [
    ...(shallow ? [`unread code is in commits that this shallow clone lacks: ${UNSHALLOW} brings them`] : []),
    ...(partial ? [`unread code is in files that this partial clone lacks: ${REFETCH} brings them`] : []),
    ...(unread.length > git.length ? ["unread rows are in databases that are not here: expver sync brings them"] : []),
  ];
}

function linkText({ kind, target, state, detail }: Link, room: number): string {
  const short = /^[0-9a-f]{40}$/.test(target) ? target.slice(0, 12) : target;
  const text = `${short}: ${detail}`;
  const fitted = textWidth(text) <= room ? text : wrapText(text, room);
  return `  ${state.padEnd(10)}  ${kind.padEnd(14)}  ${fitted.replaceAll("\n", `\n${" ".repeat(INDENT)}`)}`;
}
