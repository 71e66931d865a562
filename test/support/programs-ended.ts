/** Programs that a killed command leaves behind end by themselves, but nobody can say when. */
import { readdirSync, readlinkSync, realpathSync } from "node:fs";

const MOMENT_MS = 20;
const PATIENCE_MS = 120_000;

/** Waits until nothing works in a folder or below it; where the system does not tell, for a moment. */
export function awaitProgramsEnded(folder: string): void {
  if (process.platform !== "linux") {
    wait(1000);
    return;
  }
  const real = realpathSync(folder);
  for (let waited = 0; workingIn(real).length > 0; waited += MOMENT_MS) {
    if (waited > PATIENCE_MS) throw new Error(`processes ${workingIn(real).join(", ")} do not end in ${real}`);
    wait(MOMENT_MS);
  }
}

function workingIn(folder: string): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && `${currentFolder(name)}/`.startsWith(`${folder}/`));
}

/** Empty for who has ended meanwhile, has ended and was not yet asked for its code, or is another user's. */
function currentFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

function wait(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
