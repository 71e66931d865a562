/** `expver init` as text. */
import type { InitResult } from "../../workflows/init.ts";
import type { Terminal } from "../terminal.ts";

export function renderInit({ root, madeRepository, written, installedDriver, adopted, next }: InitResult, { style }: Terminal): string {
  if (!madeRepository && written.length === 0 && !installedDriver) return `${root} is set up already; nothing to do\n`;
  const found = [
    adopted.database === null ? "" : `results database ${adopted.database} (${adopted.tables.join(", ")})`,
    adopted.params === null ? "" : `parameters ${adopted.params}`,
    adopted.models.length === 0 ? "" : `models in ${adopted.models.join(", ")}`,
  ].filter(Boolean);
  const lines = [
    `${style("green", "ready")}  ${root}`,
    ...(madeRepository ? ["       made the Git repository"] : []),
    ...(written.length === 0 ? [] : [`       wrote ${written.join(", ")} (not staged, not committed)`]),
    ...(installedDriver ? ["       told Git to merge pointers by what they point to (merge.expver.driver)"] : []),
    ...(found.length === 0 ? [] : [`       adopted ${found.join("; ")}`]),
    ...next.map((command, index) => `${index === 0 ? style("dim", "next   ") : "       "}${command}`),
  ];
  return `${lines.join("\n")}\n`;
}
