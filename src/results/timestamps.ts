/** xetrack's timestamps: local time with microseconds. Clocks here have milliseconds; the rest makes rows of one track distinct. */
import { cellNumber } from "./cells.ts";
import type { Cell } from "./types.ts";

const SECOND = 1_000_000n;

let latest = 0n;

/** Microseconds since 1970, just after the one before when that was less than a second away: rows keep their order. */
export function nextMicroseconds(now: Date): bigint {
  const current = BigInt(now.getTime()) * 1000n;
  const lead = latest - current;
  latest = lead >= 0n && lead < SECOND ? latest + 1n : current;
  return latest;
}

/** `2026-11-24 19:39:00.000123`, local time without zone. */
export function formatTimestamp(microseconds: bigint): string {
  const date = new Date(Number(microseconds / 1000n));
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${String(microseconds % SECOND).padStart(6, "0")}`;
}

/** Which comes first. A table of another tool may count steps or seconds there: 9 is before 10, and what is a number before what is a date. */
export function compareTimestamps(one: Cell, other: Cell): number {
  const [a, b] = [cellNumber(one), cellNumber(other)];
  if (a !== null && b !== null) return a - b || 0;
  if ((a === null) !== (b === null)) return a === null ? 1 : -1;
  const [text, otherText] = [String(one), String(other)];
  return text < otherText ? -1 : text > otherText ? 1 : 0;
}
