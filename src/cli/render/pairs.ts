/** Names with their values below each other. */
import type { Terminal } from "../terminal.ts";
import { oneLine, padText, textWidth, wrapText } from "../text-width.ts";

/** A style is for the whole value. */
export type Pair = readonly [name: string, value: string, style?: Parameters<Terminal["style"]>[0]];

/** Values stand in a column of their own and are wrapped in it; empty ones are left out. Lines without a last line break. */
export function renderPairs(pairs: readonly Pair[], { style, width }: Terminal, indent = 0): string {
  const shown = pairs.filter(([, value]) => value !== "");
  const first = Math.max(0, ...shown.map(([name]) => textWidth(oneLine(name)))) + 2;
  const below = `\n${" ".repeat(indent + first)}`;
  const wrapped = (text: string) => (textWidth(text) <= width - indent - first ? text : wrapText(text, width - indent - first));
  return shown
    .map(([name, value, format]) => {
      const text = value
        .split("\n")
        .map((line) => wrapped(oneLine(line)))
        .join("\n");
      const styled = format === undefined ? text : style(format, text);
      return `${" ".repeat(indent)}${style("dim", padText(oneLine(name), first))}${styled.replaceAll("\n", below)}`;
    })
    .join("\n");
}

/** `lr=0.1  seed=1`. */
export function pairsInLine(values: Readonly<Record<string, string>>, gap = "  "): string {
  return Object.entries(values)
    .map(([name, value]) => oneLine(`${name}=${value}`))
    .join(gap);
}
