/** How a sweep stands, drawn in place on a terminal and nowhere else. */
import { expect, it } from "vitest";
import { type Sink, stderrReporter } from "../../src/cli/reporter.ts";

function drawing(isTTY: boolean): { text: () => string; report: ReturnType<typeof stderrReporter>["report"] } {
  let text = "";
  const sink = {
    isTTY,
    columns: 20,
    write: (chunk: string | Uint8Array) => {
      text += String(chunk);
      return true;
    },
  } as Sink;
  const { report } = stderrReporter(sink, { json: false, colour: false, now: () => 0, answer: sink });
  return { text: () => text, report };
}

it("is replaced by the next one, makes room for lines that stay, and goes at the end", () => {
  const { text, report } = drawing(true);
  report({ kind: "board", lines: ["one running", "0 of 2, and more than fits into the line"] });
  report({ kind: "step", text: "1/2 done" });
  report({ kind: "board", lines: ["1 of 2\u001b[31m"] });
  report({ kind: "board", lines: [] });
  const [drawn = "", step = "", second = "", end = ""] = text().replaceAll("\u001b[2A", "\u001b[1A").split("\u001b[1A\r\u001b[J");
  expect(drawn.split("\n").map((line) => line.length <= 19)).toEqual([true, true, true]);
  expect(drawn).toContain("one running\n0 of 2");
  // Two lines up, and nothing of them left.
  expect(text()).toContain("\u001b[2A\r\u001b[J");
  expect(step.startsWith("  1/2 done\n1 of 2")).toBe(true);
  expect(step).not.toContain("\u001b[31m");
  expect([second, end]).toEqual(["", ""]);
});

it("is not drawn into a file or a pipe", () => {
  const { text, report } = drawing(false);
  report({ kind: "board", lines: ["one running"] });
  report({ kind: "step", text: "1/2 done" });
  report({ kind: "board", lines: [] });
  expect(text()).toBe("  1/2 done\n");
});

it("what a step says goes on below where it began, where it does not fit; a file has it in one line", () => {
  const text = "sweep   six runs, two at once";
  const wide = drawing(true);
  wide.report({ kind: "step", text });
  expect(wide.text()).toBe("  sweep   six runs,\n          two at\n          once\n");
  const file = drawing(false);
  file.report({ kind: "step", text });
  expect(file.text()).toBe("  sweep   six runs, two at once\n");
});
