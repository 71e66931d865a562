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
