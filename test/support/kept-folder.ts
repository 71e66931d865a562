/** A folder as it is now, to be brought back under its own name as often as a test needs it: absolute paths in it stay right. */
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./repository.ts";

export function keepFolder(folder: string): { bringBack(): void } {
  const kept = makeFolder("kept");
  const copy = (from: string, to: string) => cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  copy(folder, kept);
  return {
    bringBack() {
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
      copy(kept, folder);
    },
  };
}
