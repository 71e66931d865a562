/** Progress and warnings as a conversation on stderr; a child's output passes through. */
import type { ProgressEvent } from "../platform/context.ts";
import type { Envelope } from "./envelope.ts";

export interface Reporter {
  report(event: ProgressEvent): void;
  readonly warnings: Envelope["warnings"];
  /** Clears a half-drawn progress line. */
  end(): void;
}

const DRAW_AFTER = 1000;
const DRAW_EVERY = 100;

export function stderrReporter(stream: NodeJS.WriteStream, options: { json: boolean; now: () => number }): Reporter {
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
          stream.write(`warning: ${event.text}\n${event.hint ? `  hint: ${event.hint}\n` : ""}`);
          return;
        case "step":
          if (options.json) return;
          clear();
          stream.write(`  ${event.text}\n`);
          return;
        case "output":
          clear();
          stream.write(event.chunk);
          return;
        case "progress": {
          const now = options.now();
          if (started?.label !== event.label) started = { label: event.label, at: now };
          if (!stream.isTTY || now - started.at < DRAW_AFTER || now - lastDraw < DRAW_EVERY) return;
          lastDraw = now;
          stream.write(`\r\u001b[K${progressLine(event, (now - started.at) / 1000).slice(0, (stream.columns || 80) - 1)}`);
          drawn = true;
        }
      }
    },
  };
}

function progressLine(event: Extract<ProgressEvent, { kind: "progress" }>, seconds: number): string {
  const { label, done, total, unit, bytes } = event;
  const rate = done / seconds;
  const amount = (value: number) => (unit === "bytes" ? formatBytes(value) : String(Math.round(value)));
  const parts = [`${label}: ${amount(done)}${total === undefined ? "" : ` of ${amount(total)}`}${unit === "bytes" ? "" : ` ${unit}`}`];
  if (bytes !== undefined) parts.push(formatBytes(bytes));
  parts.push(`${amount(rate)}/s`);
  if (total !== undefined && rate > 0) parts.push(`${Math.ceil((total - done) / rate)} s left`);
  return parts.join(" · ");
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
