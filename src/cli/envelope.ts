/** The JSON every command prints under `--json`: one object, on stdout, and nothing else there. */
import { ExpverError } from "../errors.ts";
import { BUG, messageOf } from "./failures.ts";
import { escapeOf } from "./text-width.ts";

export interface Envelope {
  schema: 1;
  ok: boolean;
  data: unknown;
  warnings: { text: string; hint?: string }[];
  error: { code: string; message: string; details: Record<string, unknown>; hint: string } | null;
}

export function envelopeOf(data: unknown, warnings: Envelope["warnings"], error: unknown = null): Envelope {
  return { schema: 1, ok: error === null, data: data ?? null, warnings, error: error === null ? null : errorPart(error) };
}

/** Steer a terminal, reorder text, or are seen by programs only (zero width, Unicode's tags and variations): words could hide in them. */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\uddff]/g;

/**
 * bigint becomes a JSON integer's digits as a string; JSON numbers beyond 2^53 are not safe to read. Characters that steer a
 * terminal are escaped, those too that JSON would let through.
 */
export function toJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? item.toString() : item), indent);
  return text.replace(UNSEEN, (unseen) => unseen.split("").map(escapeOf).join(""));
}

function errorPart(error: unknown): NonNullable<Envelope["error"]> {
  if (!(error instanceof ExpverError)) return { code: BUG.code, message: messageOf(error), details: {}, hint: BUG.hint };
  const { data: _already, ...details } = error.details;
  return { code: error.code, message: error.message, details, hint: error.hint };
}
