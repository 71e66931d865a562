/** Subtraction of decimal texts, to the last digit: what floating point would round is what people look for. */

// 1e-400 and 1e400 in one sum would be eight hundred digits of nothing.
const MOST_DIGITS = 60;

/** `to - from` as text with its sign, `0` when equal; null when one is no finite number. */
export function exactDifference(from: string, to: string): string | null {
  const [one, other] = [decimalOf(from), decimalOf(to)];
  if (one === null || other === null) return null;
  const scale = Math.max(one.scale, other.scale);
  if (scale > MOST_DIGITS || Math.min(one.scale, other.scale) < -MOST_DIGITS) return signed(String(Number(to) - Number(from)));
  const difference = raise(other, scale) - raise(one, scale);
  return signed(textOf(difference, scale));
}

interface Decimal {
  /** The value is `digits` / 10^scale. */
  digits: bigint;
  scale: number;
}

function decimalOf(text: string): Decimal | null {
  const [, sign, whole = "", part = "", exponent = "0"] = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?\s*$/.exec(text) ?? [];
  if (sign === undefined || whole + part === "") return null;
  const digits = BigInt(whole + part);
  return { digits: sign === "-" ? -digits : digits, scale: part.length - Number(exponent) };
}

function raise({ digits, scale }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(to - scale);
}

function textOf(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const part = digits.slice(-scale).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}${part === "" ? "" : `.${part}`}`;
}

function signed(text: string): string {
  return text === "0" || text.startsWith("-") ? text : `+${text}`;
}
