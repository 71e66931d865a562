/** Tracks that `expver log` made outside of the run that was going on: their rows appeared meanwhile and are not the run's. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { readTextIfExists } from "../../../platform/files.ts";

/** Before its first row is written, so that a run that ends at that moment knows. */
export function noteOutsideTrack(folder: string, trackId: string): void {
  appendFileSync(listOf(folder), `${trackId}\n`);
}

export function outsideTracks(folder: string): ReadonlySet<string> {
  return new Set((readTextIfExists(listOf(folder)) ?? "").split("\n").filter(Boolean));
}

function listOf(folder: string): string {
  return join(folder, "outside-tracks");
}
