/** One line about long work: how far, how long still, how fast. */
import type { ProgressEvent } from "../platform/context.ts";
import { formatBytes, timeLeft } from "./amounts.ts";
import { oneLine } from "./text-width.ts";

type Progress = Extract<ProgressEvent, { kind: "progress" }>;

const LARGE_FILE = 1024 * 1024;

/** `storing data: 312 MiB of 2.0 GiB · 6 s left · 290 MiB/s`, `hashing data: 1200 of 20000 files · 24 s left · 800 files/s · 3.1 MiB`. */
export function progressLine(event: Progress, seconds: number): string {
  const { label, done, bytes = 0 } = event;
  // A few large files are a matter of bytes, many small ones of files.
  const ofBytes = bytes > 0 && bytes / Math.max(1, done) >= LARGE_FILE;
  const rate = ofBytes ? `${formatBytes(bytes / seconds)}/s` : `${Math.round(done / seconds)} ${event.unit}/s`;
  const ways = { files: amountOf(event), bytes: bytesOf(event) };
  const parts = ofBytes
    ? [ways.bytes, leftOf(event, seconds), rate, event.total === 1 ? "" : ways.files]
    : [ways.files, leftOf(event, seconds), rate, ways.bytes];
  return `${oneLine(label)}: ${parts.filter((part) => part !== "").join(" · ")}`;
}

function amountOf({ done, total, unit }: Progress): string {
  return `${done}${total === undefined ? "" : ` of ${total}`} ${unit}`;
}

function bytesOf({ bytes, totalBytes }: Progress): string {
  if (bytes === undefined) return "";
  return `${formatBytes(bytes)}${totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`}`;
}

/** By whichever measure is further: one file of many is slow to start, one large file is never done before its end. */
function leftOf({ done, total, bytes = 0, totalBytes }: Progress, seconds: number): string {
  const fraction = Math.max(total ? done / total : 0, totalBytes ? bytes / totalBytes : 0);
  return fraction > 0 && fraction <= 1 ? `${timeLeft((seconds * (1 - fraction)) / fraction)} left` : "";
}
