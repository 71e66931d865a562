/** A terminal for tests: a width, and colours as visible marks. */
import type { Terminal } from "../../src/cli/terminal.ts";

export function testTerminal({ width = 80, colour = false, isTTY = true } = {}): Terminal {
  return { width, isTTY, coloured: colour, style: (format, text) => (colour ? `<${String(format)}>${text}</>` : text) };
}

export const PIPE: Terminal = testTerminal({ width: Number.POSITIVE_INFINITY, isTTY: false });
