/** Cells as text and back, digits kept. */
import { HIDDEN_VALUE, isSecretKey } from "../config/secrets.ts";
import type { Cell } from "./types.ts";

/** The exact text of a cell: floats as Python's repr writes them (`1e-05`, `0.1`, `100.0`), null as the empty text, bytes as hex. */
export function formatCell(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return formatReal(cell);
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString("hex");
  return String(cell);
}

// A leading zero is a name ("007"), not a number: its digits must survive.
const INTEGER = /^[+-]?(?:0|[1-9]\d*)$/;
const REAL = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

/**
 * What a typed text means: integer, float, boolean, else text. What would lose digits stays text: `007`, integers beyond
 * 64 bits, `1e999`.
 */
export function parseCell(text: string): Cell {
  if (INTEGER.test(text)) {
    const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
    return value >= SMALLEST && value <= LARGEST ? value : text;
  }
  if (REAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : text;
  }
  return WORDS.get(text.toLowerCase()) ?? text;
}

const WORDS = new Map<string, Cell>([
  ["true", 1n],
  ["false", 0n],
  ["nan", "NaN"],
  ...["inf", "infinity", "+inf", "+infinity"].map((word): [string, Cell] => [word, Infinity]),
  ...["-inf", "-infinity"].map((word): [string, Cell] => [word, -Infinity]),
]);

/** A JavaScript value as a cell. Whole numbers become integers; objects JSON text, secrets in them hidden; dates ISO 8601 text. */
export function toCell(value: unknown): Cell {
  switch (typeof value) {
    case "number":
      if (Number.isNaN(value)) return "NaN";
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case "bigint":
      return value >= SMALLEST && value <= LARGEST ? value : String(value);
    case "boolean":
      return value ? 1n : 0n;
    case "string":
      return value;
    case "undefined":
      return null;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
      return toJson(value);
  }
}

/** The number a cell stands for, NaN for the text `NaN`; null when it is no number. Numbers in TEXT columns count. */
export function cellNumber(cell: Cell): number | null {
  if (typeof cell === "number") return cell;
  if (typeof cell === "bigint") return Number(cell);
  if (typeof cell !== "string") return null;
  const trimmed = cell.trim();
  if (/^nan$/i.test(trimmed)) return Number.NaN;
  if (!/^(true|false)$/i.test(trimmed)) {
    const parsed = parseCell(trimmed);
    if (typeof parsed === "number" || typeof parsed === "bigint") return Number(parsed);
  }
  return null;
}

// Floats below are denormal: nobody has them, but small whole numbers look like that.
const FIRST_NORMAL = 2 ** 23;

/**
 * The number in what Python's sqlite3 stores of a NumPy scalar (a parameter given to xetrack's Tracker): its bytes, and nothing says of which
 * kind. Eight are taken for an int64 that counts something (datetime64 is beyond), four for an int32 or float32 of a usual size, one for a bool. Null
 * for everything else.
 */
export function numpyNumber(bytes: Uint8Array): bigint | number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 1) return view.getUint8(0) <= 1 ? BigInt(view.getUint8(0)) : null;
  if (bytes.length === 8) {
    const value = view.getBigInt64(0, true);
    return value >= -(2n ** 53n) && value <= 2n ** 53n ? value : null;
  }
  if (bytes.length !== 4) return null;
  const whole = view.getInt32(0, true);
  if (Math.abs(whole) < FIRST_NORMAL) return BigInt(whole);
  const real = view.getFloat32(0, true);
  return Math.abs(real) >= 1e-12 && Math.abs(real) <= 1e12 ? shortest(real) : null;
}

/** As NumPy prints it: 0.1, not the 0.10000000149011612 that a double makes of it. */
function shortest(single: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return single;
}

function formatReal(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  const [mantissa = "", exponentText = "0"] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const plain = Object.is(value, -0) ? "-0" : String(value);
  if (!plain.includes("e")) return plain.includes(".") ? plain : `${plain}.0`;
  return value.toFixed(mantissa.replace(/\D/g, "").length - 1 - exponent);
}

function toJson(value: unknown): string {
  const plain = (key: string, inner: unknown) => {
    if (isSecretKey(key)) return HIDDEN_VALUE;
    return typeof inner === "bigint" ? String(inner) : inner;
  };
  return JSON.stringify(value, plain) ?? String(value);
}
