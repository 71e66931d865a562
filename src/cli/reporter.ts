/** Progress and warnings as a conversation on stderr; a child's output passes through. */
import type { ProgressEvent } from "../platform/context.ts";
import type { Envelope } from "./envelope.ts";
import { terminalOf } from "./terminal.ts";

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
}

/** Where progress is drawn: stderr, or a test's own. */
export type Sink = Pick<NodeJS.WriteStream, "write"> & { isTTY?: boolean; columns?: number };

export function stderrReporter(stream: Sink, options: ReporterOptions): Reporter {
  const terminal = terminalOf(stream as NodeJS.WriteStream, process.env, options.colour);
  const warnings: Envelope["warnings"] = [];
  let drawn = false;
  let started: { label: string; at: number } | null = null;
  let lastDraw = 0;

  const clear = () => {
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
          stream.write(`${terminal.style("yellow", "warning")}: ${event.text}\n${event.hint ? `  hint: ${event.hint}\n` : ""}`);
          return;
        case "step":
          if (options.json || options.quiet) return;
          clear();
          stream.write(`  ${event.text}\n`);
          return;
        case "command":
          clear();
          stream.write(`\n${terminal.style("dim", `# ${event.says}`)}\n${terminal.style("bold", `$ ${event.text}`)}\n`);
          return;
        case "output":
          clear();
          stream.write(event.chunk);
          return;
        case "progress": {
          if (!stream.isTTY || options.quiet || options.json) return;
          const now = options.now();
          if (started?.label !== event.label) started = { label: event.label, at: now };
          if (now - started.at < DRAW_AFTER || now - lastDraw < DRAW_EVERY) return;
          lastDraw = now;
          stream.write(`\r\u001b[K${progressLine(event, (now - started.at) / 1000).slice(0, (stream.columns || 80) - 1)}`);
          drawn = true;
        }
      }
    },
  };
}

/** `hash data/: 1200 of 20000 files · 3.1 MiB · 800/s · 24 s left` */
function progressLine(event: Extract<ProgressEvent, { kind: "progress" }>, seconds: number): string {
  const { label, done, total, unit, bytes } = event;
  const rate = done / seconds;
  const amount = (value: number) => (unit === "bytes" ? formatBytes(value) : String(Math.round(value)));
  const parts = [`${label}: ${amount(done)}${total === undefined ? "" : ` of ${amount(total)}`}${unit === "bytes" ? "" : ` ${unit}`}`];
  if (bytes !== undefined) parts.push(formatBytes(bytes));
  parts.push(`${amount(rate)}/s`);
  if (total !== undefined && rate > 0) parts.push(`${formatSeconds(Math.max(0, total - done) / rate)} left`);
  return parts.join(" · ");
}

/** 75 → "1 min 15 s"; up to a minute whole seconds, from an hour on no seconds. */
function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
