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

/**
 * bigint becomes a JSON integer's digits as a string; JSON numbers beyond 2^53 are not safe to read. Characters that steer a
 * terminal are escaped, those too that JSON would let through.
 */
export function toJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? item.toString() : item), indent);
  return text.replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escapeOf);
}

function errorPart(error: unknown): NonNullable<Envelope["error"]> {
  if (!(error instanceof ExpverError)) return { code: BUG.code, message: messageOf(error), details: {}, hint: BUG.hint };
  const { data: _already, ...details } = error.details;
  return { code: error.code, message: error.message, details, hint: error.hint };
}
