/** `expver init` as text. */

import { counted } from "../../platform/words.ts";
import type { InitResult } from "../../workflows/init.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";

export function renderInit(
  { root, madeRepository, written, installedDriver, adopted, cache, remote, next }: InitResult,
  { style }: Terminal,
): string {
  if (!madeRepository && written.length === 0 && !installedDriver && cache === null && remote === null)
    return `${root} is set up already; nothing to do\n`;
  const found = [
    adopted.database === null ? "" : `results database ${adopted.database} (${adopted.tables.join(", ")})`,
    adopted.params === null ? "" : `parameters ${adopted.params}`,
    adopted.models.length === 0 ? "" : `models ${adopted.models.join(", ")}`,
  ].filter(Boolean);
  const lines = [
    `${style("green", "ready")}  ${root}`,
    ...(madeRepository ? ["       made the Git repository"] : []),
    ...(written.length === 0 ? [] : [`       wrote ${written.join(", ")} (not staged, not committed)`]),
    ...(installedDriver ? ["       told Git to merge pointers by what they point to (merge.expver.driver)"] : []),
    ...(found.length === 0 ? [] : [`       adopted ${found.join("; ")}`]),
    ...(cache === null
      ? []
      : [
          `       cache ${cache.dir}${cache.shared ? ", for its group" : ""}${cache.copied === 0 ? "" : `, ${counted(cache.copied, "object")} copied there`}`,
        ]),
    ...(remote === null ? [] : remoteLines(remote, style)),
    ...next.map((command, index) => `${index === 0 ? style("dim", "next   ") : "       "}${command}`),
  ];
  return `${lines.join("\n")}\n`;
}

function remoteLines({ remote, location, probes }: NonNullable<InitResult["remote"]>, style: Terminal["style"]): string[] {
  const failed = probes.filter(({ state }) => state === "failed");
  const tried = probes.filter(({ state }) => state === "ok").map(({ step }) => step);
  return [
    `       remote ${remote} (${location})${tried.length === 0 ? "" : `: ${tried.join(", ")} tried, fine`}`,
    ...failed.map(
      ({ step, error, needs }) =>
        `       ${style("red", `${step} failed`)}: ${oneLine(error?.message ?? "")}${needs === "" ? "" : ` (needs ${needs})`}`,
    ),
    ...(failed.length === 0 ? [] : [`       mend it, then: expver data remote check ${remote}`]),
  ];
}
