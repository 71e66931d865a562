/** What of the changed files a person may not expect: what a snapshot leaves out, and what it takes in because it is staged. */
import type { Context } from "../../../platform/context.ts";
import type { Step } from "../../contract.ts";
import type { HeldBack, Selection } from "./snapshot-selection.ts";

export function selectionSteps({ heldBack, unusual }: Selection): Step[] {
  return [
    ...heldBack.map(({ path, reason, advice, files, bytes }) => ({
      verb: "hold back",
      target: path,
      detail: `${reason}: ${advice}`,
      bytes,
      ...(files > 1 ? { count: files } : {}),
    })),
    ...unusual.map(({ path, reason, advice, bytes }) => ({
      verb: "take in",
      target: path,
      detail: `${WORDS[reason]}, but staged; ${advice}`,
      bytes,
    })),
  ];
}

export function tellSelection({ report }: Context, { heldBack, unusual }: Selection): void {
  tellLeft(report, heldBack);
  const byAdvice = new Map<string, HeldBack[]>();
  for (const one of heldBack.filter(({ reason }) => reason !== "left"))
    byAdvice.set(one.advice, [...(byAdvice.get(one.advice) ?? []), one]);
  for (const [hint, [first, ...others]] of byAdvice) {
    // TensorBoard's files, one more with each run, are left out by one line.
    const what = others.length === 0 ? `${first?.path} is` : `${first?.path} and ${others.length} more are`;
    report({ kind: "warning", text: `${what} not part of this experiment (${first?.reason})`, hint });
  }
  for (const { path, reason, advice } of unusual) {
    report({
      kind: "warning",
      text: `${path} ${WORDS[reason]} and becomes part of this experiment's code, since it is staged`,
      hint: advice,
    });
  }
}

/** Programs leave many files: said in one line. */
function tellLeft(report: Context["report"], heldBack: Selection["heldBack"]): void {
  const left = heldBack.filter(({ reason }) => reason === "left");
  const [first] = left;
  if (first === undefined) return;
  const names = left.slice(0, 3).map(({ path, files }) => (files > 1 ? `${path}/ (${files} files)` : path));
  const more = left.length > names.length ? ` and ${left.length - names.length} more` : "";
  const each = left.length > 1 ? `${first.path}: ` : "";
  report({
    kind: "warning",
    text: `${names.join(", ")}${more} ${left.length > 1 ? "are" : "is"} not part of this experiment (left by an earlier run)`,
    hint: each + first.advice,
  });
}

const WORDS = { large: "is large", secret: "looks like a secret" } as const;
