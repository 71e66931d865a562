/** What the terminal can do, and colours that know it. */
import { styleText } from "node:util";

export interface Terminal {
  /** Columns to fit; Infinity in a pipe, where nothing is cut. */
  readonly width: number;
  readonly isTTY: boolean;
  readonly coloured: boolean;
  style(format: Parameters<typeof styleText>[0], text: string): string;
}

export function terminalOf(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>, colour = true): Terminal {
  const isTTY = stream.isTTY === true;
  // FORCE_COLOR says that what is written to a pipe ends up on a terminal, COLUMNS how wide that is.
  const forced = !isTTY && Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== "0";
  const coloured = colour && !env.NO_COLOR && (forced || (isTTY && env.TERM !== "dumb"));
  return {
    width: isTTY ? stream.columns || 80 : (forced && Number(env.COLUMNS)) || Number.POSITIVE_INFINITY,
    coloured,
    isTTY,
    style: (format, text) => (coloured ? styleText(format, text, { validateStream: false }) : text),
  };
}
