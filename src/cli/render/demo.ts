/** The end of `expver demo` as text; the story itself was told while it was played. */
import type { DemoResult } from "../../workflows/demo.ts";
import type { Terminal } from "../terminal.ts";

export function renderDemo({ folder, next }: DemoResult, { style }: Terminal): string {
  const lines = next.map((command, index) => `${index === 0 ? style("dim", "try next  ") : "          "}${command}`);
  return `\n${style("green", "The repository is yours to explore:")} cd ${folder}\n${lines.join("\n")}\n`;
}
