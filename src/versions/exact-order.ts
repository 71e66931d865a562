/** The order of decimal texts, to the last digit: two numbers that floating point takes for one stay two. */

/** Negative, 0 or positive; null when one of them is no number. NaN equals NaN and nothing else: null against a number. */
export function compareNumbers(one: string, other: string): number | null {
  const [a, b] = [numberOf(one), numberOf(other)];
  if (a === null || b === null) return null;
  if (a === "nan" || b === "nan") return a === b ? 0 : null;
  if (a.sign !== b.sign) return a.sign - b.sign;
  return a.sign * compareSizes(a, b);
}

export function isNumber(text: string): boolean {
  return numberOf(text) !== null;
}

/** One text for all spellings of a number: `0.10`, `1e-1`. Other texts are themselves. */
export function canonicalNumber(text: string): string {
  const number = numberOf(text);
  if (number === null) return text;
  return number === "nan" ? "NaN" : `${number.sign}:${number.power}:${number.digits}`;
}

interface Magnitude {
  sign: -1 | 0 | 1;
  /** Of ten, of the first digit: where the number begins. */
  power: number;
  /** Without zeros at either end. */
  digits: string;
}

function numberOf(text: string): Magnitude | "nan" | null {
  const trimmed = text.trim();
  if (/^[+-]?nan$/i.test(trimmed)) return "nan";
  if (/^[+-]?inf(inity)?$/i.test(trimmed)) {
    return { sign: trimmed.startsWith("-") ? -1 : 1, power: Number.POSITIVE_INFINITY, digits: "" };
  }
  const [, minus, whole = "", part = "", exponent = "0"] = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(trimmed) ?? [];
  if (minus === undefined || whole + part === "") return null;
  const all = whole + part;
  const first = all.search(/[1-9]/);
  if (first < 0) return { sign: 0, power: 0, digits: "" };
  return { sign: minus === "-" ? -1 : 1, power: whole.length - first + Number(exponent), digits: all.slice(first).replace(/0+$/, "") };
}

/** Digits of one power compare as texts: the longer one goes on where the shorter has zeros. */
function compareSizes(a: Magnitude, b: Magnitude): number {
  if (a.power !== b.power) return a.power < b.power ? -1 : 1;
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1;
}
