/** Programs as the system finds them. */
import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { isFile } from "./files.ts";

/** Absolute path of what a name or path starts; null: nothing. Without a `PATH` it is looked for where the system's own are. */
export function findProgram(
  program: string,
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string | undefined>> },
): string | null {
  if (program === "") return null;
  const folders = (env.PATH ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter);
  const places = program.includes("/") ? [resolve(cwd, program)] : folders.map((folder) => join(resolve(cwd, folder || "."), program));
  return places.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}
