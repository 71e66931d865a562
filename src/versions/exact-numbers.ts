/** Decimal texts, to the last digit: two numbers that floating point takes for one stay two, and nothing is rounded. */

const DECIMAL = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const INFINITE = /^[+-]?inf(inity)?$/i;
const NAN = /^[+-]?nan$/i;
// 1e-400 and 1e400 in one sum would be eight hundred digits of nothing.
const MOST_DIGITS = 60;

/** The nearest floating-point number to a text, as Python and JavaScript write it; null when it is none. */
export function numberOf(text: string): number | null {
  const trimmed = text.trim();
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  if (INFINITE.test(trimmed)) return trimmed.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return NAN.test(trimmed) ? Number.NaN : null;
}

/** Negative, 0 or positive; null when one of them is no number. NaN equals NaN and nothing else: null against a number. */
export function compareNumbers(one: string, other: string): number | null {
  const [a, b] = [exactly(one), exactly(other)];
  if (a === null || b === null) return null;
  if (a === "nan" || b === "nan") return a === b ? 0 : null;
  if (a.sign !== b.sign) return a.sign - b.sign;
  return a.sign * compareSizes(a, b);
}

/** One text for all spellings of a number: `0.10`, `1e-1`. Other texts are themselves. */
export function canonicalNumber(text: string): string {
  const number = exactly(text);
  if (number === null) return text;
  return number === "nan" ? "NaN" : `${number.sign}:${number.power}:${number.digits}`;
}

/** The same for a parameter: `3.10` may be a version, which 3.1 is not. So it is told apart by the zeros behind its last digit, if it has any. */
export function canonicalParameter(text: string): string {
  return /^[+-]?\d+\.\d*[1-9]0+$/.test(text) ? text : canonicalNumber(text);
}

/** `to - from` as text with its sign, `0` when equal; null when one is no finite number. */
export function exactDifference(from: string, to: string): string | null {
  const [one, other] = [exactly(from), exactly(to)];
  if (one === null || other === null || !isWritten(one) || !isWritten(other)) return null;
  const scales = [one, other].map(scaleOf);
  const scale = Math.max(...scales);
  if (scale > MOST_DIGITS || Math.min(...scales) < -MOST_DIGITS) return signed(String(Number(to) - Number(from)));
  return signed(decimalText(raise(other, scale) - raise(one, scale), scale));
}

/** Numbers as whole ones over one power of ten; null when one is no finite number, or they have too many digits for that. */
export function overOneScale(texts: readonly string[]): { values: bigint[]; scale: number } | null {
  const numbers = texts.map(exactly).filter((number) => number !== null && isWritten(number));
  const scales = numbers.map(scaleOf);
  const scale = Math.max(0, ...scales);
  if (numbers.length < texts.length || scale > MOST_DIGITS || Math.min(...scales) < -MOST_DIGITS) return null;
  return { values: numbers.map((number) => raise(number, scale)), scale };
}

/** `value` / 10^`scale`, without zeros that say nothing. */
export function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const part = digits.slice(-scale).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}${part === "" ? "" : `.${part}`}`;
}

interface Exact {
  sign: -1 | 0 | 1;
  /** Of ten: the number is 0.DIGITS times that. */
  power: number;
  /** Without zeros at either end. */
  digits: string;
}

function exactly(text: string): Exact | "nan" | null {
  const trimmed = text.trim();
  if (NAN.test(trimmed)) return "nan";
  if (INFINITE.test(trimmed)) return { sign: trimmed.startsWith("-") ? -1 : 1, power: Number.POSITIVE_INFINITY, digits: "" };
  const [, minus, whole = "", part = "", exponent = "0"] = DECIMAL.exec(trimmed) ?? [];
  if (minus === undefined) return null;
  const all = whole + part;
  const first = all.search(/[1-9]/);
  if (first < 0) return { sign: 0, power: 0, digits: "" };
  return { sign: minus === "-" ? -1 : 1, power: whole.length - first + Number(exponent), digits: all.slice(first).replace(/0+$/, "") };
}

/** Digits of one power compare as texts: the longer one goes on where the shorter has zeros. */
function compareSizes(a: Exact, b: Exact): number {
  if (a.power !== b.power) return a.power < b.power ? -1 : 1;
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1;
}

function isWritten(number: Exact | "nan"): number is Exact {
  return number !== "nan" && Number.isFinite(number.power);
}

/** Digits behind the point; negative: zeros before it. */
function scaleOf({ power, digits }: Exact): number {
  return digits.length - power;
}

function raise(number: Exact, scale: number): bigint {
  return BigInt(number.sign) * BigInt(number.digits) * 10n ** BigInt(scale - scaleOf(number));
}

function signed(text: string): string {
  return text === "0" || text.startsWith("-") ? text : `+${text}`;
}
