/** Ranges that samples are drawn from: `log:1e-4..1e-1`, `int:2..10`, `0..1`, `a,b,c`. The same seed gives the same samples. */
import { createHash } from "node:crypto";
import { ExpverError } from "../../../errors.ts";
import { partsOf } from "./grid-values.ts";

export type Range =
  | { kind: "even" | "log" | "int"; from: number; to: number }
  /** Texts as they were typed. */
  | { kind: "choice"; values: string[] };

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** Throws E_USAGE. */
export function parseRange(name: string, text: string): Range {
  const bounds = /^(?:(log|int|float):)?(.+?)\.\.(.+)$/.exec(text);
  if (bounds === null) {
    const values = partsOf(text).filter((value) => value !== "");
    if (values.length > 0 && !/^(log|int|float):/.test(text)) return { kind: "choice", values };
    throw wrong(name, text, "it has no bounds");
  }
  const [, word, low = "", high = ""] = bounds;
  if (!NUMBER.test(low) || !NUMBER.test(high)) throw wrong(name, text, "its bounds are no numbers");
  const [from, to] = [Number(low), Number(high)];
  const kind = word === "log" || word === "int" ? word : "even";
  if (from > to) throw wrong(name, text, "its first bound is the larger one");
  if (kind === "log" && from <= 0) throw wrong(name, text, "a logarithmic range begins above 0");
  if (kind === "int" && !(Number.isSafeInteger(from) && Number.isSafeInteger(to)))
    throw wrong(name, text, "its bounds are no whole numbers");
  return { kind, from, to };
}

/** The value of one sample as text; it depends on nothing but seed, sample and name, so more samples leave the first ones as they are. */
export function drawSample(name: string, range: Range, { seed, sample }: { seed: string; sample: number }): string {
  const share = chance(`${seed}\0${sample}\0${name}`);
  if (range.kind === "choice") return range.values[Math.floor(share * range.values.length)] ?? "";
  const { kind, from, to } = range;
  if (kind === "int") return String(Math.min(to, from + Math.floor(share * (to - from + 1))));
  const value = kind === "log" ? Math.exp(Math.log(from) + share * (Math.log(to) - Math.log(from))) : from + share * (to - from);
  // Six digits are plenty for a setting, and readable; rounding may not lead out of the range.
  return String(Math.min(to, Math.max(from, Number(value.toPrecision(6)))));
}

/** Uniform in [0, 1): 48 bits of a digest. */
function chance(text: string): number {
  return createHash("sha256").update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}

function wrong(name: string, text: string, why: string): ExpverError {
  return new ExpverError("E_USAGE", `${name}=${text} is no range: ${why}`, {
    hint: "Write name=0..1, name=log:1e-4..1e-1, name=int:2..10 or name=a,b,c",
    details: { name, received: text },
  });
}
