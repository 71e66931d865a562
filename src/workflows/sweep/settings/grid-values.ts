/** The values of one name of a grid: texts as typed, and `1..10` or `0..1..0.25` for numbers at equal distances, both bounds included. */
import { ExpverError } from "../../../errors.ts";
import { decimalText, overOneScale } from "../../../versions/exact-numbers.ts";

/** Of one sweep. */
export const MOST_RUNS = 100_000;

/** Throws E_USAGE for a range that is none, and for what other programs call one. */
export function gridValues(name: string, texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => rangeValues(name, text) ?? [text]))];
}

/** Texts between commas; those of a list or mapping (`[64,32]`) part nothing. */
export function partsOf(text: string): string[] {
  let depth = 0;
  const parts = [""];
  for (const one of text) {
    if (/[[{]/.test(one)) depth += 1;
    if (/[\]}]/.test(one)) depth -= 1;
    if (one === "," && depth <= 0) parts.push("");
    else parts.push(parts.pop() + one);
  }
  return depth === 0 ? parts : text.split(",");
}

/** Null: it is no range. */
function rangeValues(name: string, text: string): string[] | null {
  // A comma inside of range(…) has parted it already: its first piece tells.
  if (/^range[(:]/i.test(text)) throw wrong(name, text, "is no range here");
  if (/^(log|int|float):.*\.\./.test(text)) {
    throw new ExpverError("E_USAGE", `--grid ${name}=${text}: that is a range to draw samples from`, {
      hint: `--random 20 --range ${name}=${text}`,
      details: { name, received: text },
    });
  }
  const pieces = text.split("..");
  if (pieces.length !== 2 && pieces.length !== 3) return null;
  const numbers = overOneScale(pieces);
  if (numbers !== null) return numbersBetween(name, text, numbers);
  // A slip in one number would be a value of its own, and a run that fails by it.
  if (!pieces.includes("") && overOneScale(pieces.slice(0, 1)) !== null) throw wrong(name, text, "begins as a range and is none");
  return null;
}

function numbersBetween(name: string, text: string, { values, scale }: { values: bigint[]; scale: number }): string[] {
  const [from = 0n, to = 0n, step = 10n ** BigInt(scale)] = values;
  if (step <= 0n) throw wrong(name, text, "has a step that is not above 0");
  if (from > to) throw wrong(name, text, "has the larger bound first");
  if ((to - from) % step !== 0n)
    throw wrong(name, text, `does not come to ${decimalText(to, scale)} in steps of ${decimalText(step, scale)}`);
  const count = (to - from) / step + 1n;
  if (count > MOST_RUNS) throw wrong(name, text, `has ${count} values`);
  return Array.from({ length: Number(count) }, (_, index) => decimalText(from + step * BigInt(index), scale));
}

function wrong(name: string, text: string, why: string): ExpverError {
  return new ExpverError("E_USAGE", `--grid ${name}=${text} ${why}`, {
    hint: `Write FIRST..LAST or FIRST..LAST..STEP, both bounds included (${name}=1..10, ${name}=0..1..0.25), or the values: ${name}=1,2,5`,
    details: { name, received: text },
  });
}
