/** The merge driver as this installation of expver sets it up. */
import { join } from "node:path";
import { driverCommand } from "../../git/merge-driver.ts";
import { packageRoot } from "../../platform/package-root.ts";

export function ourDriver(): string {
  return driverCommand([process.execPath, join(packageRoot(), "dist/main.cjs")]);
}
