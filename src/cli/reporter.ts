/** Progress and warnings as a conversation on stderr; a child's output passes through. */
import type { ProgressEvent } from "../platform/context.ts";
import type { Envelope } from "./envelope.ts";
import { progressLine } from "./progress.ts";
import { terminalOf } from "./terminal.ts";
import { fitText, oneLine, safeLines, textWidth, wrapText } from "./text-width.ts";

export interface Reporter {
  report(event: ProgressEvent): void;
  readonly warnings: Envelope["warnings"];
  /** Clears a half-drawn progress line. */
  end(): void;
}

const DRAW_AFTER = 1000;
const DRAW_EVERY = 100;

export interface ReporterOptions {
  /** Say nothing but a child's output: warnings go into the envelope. */
  json: boolean;
  /** Say only warnings. */
  quiet?: boolean;
  colour?: boolean;
  now: () => number;
  /** Where the answer goes: stdout. Under `--json` it is kept for the envelope and only shown beside it. */
  answer: Pick<NodeJS.WriteStream, "write">;
}

/** Where progress is drawn: stderr, or a test's own. */
export type Sink = Pick<NodeJS.WriteStream, "write"> & { isTTY?: boolean; columns?: number };

export function stderrReporter(stream: Sink, options: ReporterOptions): Reporter {
  const terminal = terminalOf(stream as NodeJS.WriteStream, process.env, options.colour);
  const draws = stream.isTTY && !options.quiet && !options.json && process.env.TERM !== "dumb";
  const warnings: Envelope["warnings"] = [];
  let drawn = false;
  let board: string[] = [];
  let started: { label: string; at: number } | null = null;
  let lastDraw = 0;

  const clear = () => {
    // Up to the first line of the board, and everything below it away.
    if (board.length > 0) stream.write(`\u001b[${board.length}A\r\u001b[J`);
    board = [];
    if (drawn) stream.write("\r\u001b[K");
    drawn = false;
  };

  return {
    warnings,
    end: clear,
    report(event) {
      switch (event.kind) {
        case "warning":
          warnings.push(event.hint === undefined ? { text: event.text } : { text: event.text, hint: event.hint });
          if (options.json) return;
          clear();
          stream.write(`${terminal.style("yellow", "warning")}: ${safeLines(event.text)}\n`);
          if (event.hint) stream.write(`  ${terminal.style("cyan", "hint")}: ${safeLines(event.hint)}\n`);
          return;
        case "step":
          if (options.json || options.quiet) return;
          clear();
          stream.write(`${stepLines(oneLine(event.text), stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY)}\n`);
          return;
        case "command":
          clear();
          stream.write(`\n${terminal.style("dim", `# ${event.says}`)}\n${terminal.style("bold", `$ ${oneLine(event.text)}`)}\n`);
          return;
        case "answer":
          clear();
          (options.json ? stream : options.answer).write(event.chunk);
          return;
        case "output":
          clear();
          stream.write(event.chunk);
          return;
        case "board":
          if (!draws) return;
          clear();
          board = event.lines.map((line) => fitText(oneLine(line), (stream.columns || 80) - 1));
          for (const line of board) stream.write(`${line}\n`);
          return;
        case "progress": {
          if (!draws || board.length > 0) return;
          const now = options.now();
          if (started?.label !== event.label) started = { label: event.label, at: now };
          if (now - started.at < DRAW_AFTER || now - lastDraw < DRAW_EVERY) return;
          lastDraw = now;
          stream.write(`\r\u001b[K${fitText(progressLine(event, (now - started.at) / 1000), (stream.columns || 80) - 1)}`);
          drawn = true;
        }
      }
    },
  };
}

/** What a step says stands behind its word; more than fits goes on below where it began. */
function stepLines(line: string, width: number): string {
  const [, word = "", said = ""] = /^(\S+ {2,})?(.*)$/.exec(line) ?? [];
  const indent = " ".repeat(2 + word.length);
  if (textWidth(line) + 2 <= width || indent.length > width / 2) return `  ${line}`;
  return `  ${word}${wrapText(said, width - indent.length).replaceAll("\n", `\n${indent}`)}`;
}
