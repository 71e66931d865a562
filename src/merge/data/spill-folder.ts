/** Where DuckDB puts what does not fit into memory while a question is answered: it may be gigabytes, so that nothing of it may stay. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removePath } from "../../platform/files.ts";
import { onInterrupt } from "../../platform/interrupts.ts";

/** `work` gets the folder, which is gone when it has ended, and when a signal ends the process before that. */
export async function withSpillFolder<Value>(prefix: string, work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  const remove = () => removePath(folder);
  const unlisten = onInterrupt({}, (signal) => {
    remove();
    unlisten();
    // Whoever reads listens for none: then the signal does what it does to such a process.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  });
  process.once("exit", remove);
  try {
    return await work(folder);
  } finally {
    process.removeListener("exit", remove);
    unlisten();
    remove();
  }
}
