/** The graphics cards of this machine, as NVIDIA's driver for Linux tells them: `nvidia-smi` would take a second to say the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readableNamesIn } from "../../../platform/files.ts";

const DRIVER_FOLDER = "/proc/driver/nvidia";

export interface GpuFacts {
  /** As `2 x NVIDIA A100-SXM4-40GB`; several kinds are joined by commas. */
  gpus?: string;
  /** As `535.104.05`. */
  driver?: string;
}

/** Empty where there is no such driver. */
export function gpus(folder: string = DRIVER_FOLDER): GpuFacts {
  const counts = new Map<string, number>();
  for (const name of readableNamesIn(join(folder, "gpus"))) {
    const model = /^Model:\s*(.+?)\s*$/m.exec(textOf(join(folder, "gpus", name, "information")))?.[1];
    if (model !== undefined) counts.set(model, (counts.get(model) ?? 0) + 1);
  }
  const found = [...counts].sort().map(([model, count]) => `${count} x ${model}`);
  const driver = /^NVRM version:.*?\s(\d+(?:\.\d+)+)\s/m.exec(textOf(join(folder, "version")))?.[1];
  return { ...(found.length === 0 ? {} : { gpus: found.join(", ") }), ...(driver === undefined ? {} : { driver }) };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // what cannot be read is not known
  }
}
