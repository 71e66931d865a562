/** How commands that store data copy databases that programs may be writing. The driver itself is loaded when one is met. */
import type { CopyDatabase } from "../../store/databases.ts";

export async function databaseCopier(): Promise<CopyDatabase> {
  return (await import("../../results/copy.ts")).copyDatabase;
}
