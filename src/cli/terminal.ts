/** What the terminal can do, and colours that know it. */
import { styleText } from "node:util";

export interface Terminal {
  /** Columns to fit; Infinity in a pipe, where nothing is cut. */
  readonly width: number;
  readonly isTTY: boolean;
  style(format: Parameters<typeof styleText>[0], text: string): string;
}

export function terminalOf(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>, colour = true): Terminal {
  const isTTY = stream.isTTY === true;
  const coloured = colour && isTTY && !env.NO_COLOR && env.TERM !== "dumb";
  return {
    width: isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY,
    isTTY,
    style: (format, text) => (coloured ? styleText(format, text, { validateStream: false }) : text),
  };
}
