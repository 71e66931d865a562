/** `expver data remote check` as text: who we are, then a line a step. */
import type { RemoteCheck } from "../../workflows/data/settings/remote-check.ts";
import type { Terminal } from "../terminal.ts";

// Beyond this, signed requests are refused by others than us.
const WORRYING_SECONDS = 60;

export function renderRemoteCheck(
  { remote, location, identity, clockSkewSeconds, probes, left }: RemoteCheck,
  { style }: Terminal,
): string {
  const clock = clockSkewSeconds === null ? [] : [`  clock      ${clockText(clockSkewSeconds)}`];
  const lines = probes.flatMap(({ step, state, needs, error }) => {
    const colour = state === "ok" ? "green" : state === "failed" ? "red" : "dim";
    const line = `  ${step.padEnd(9)}  ${style(colour, state)}${needs !== "" && state !== "ok" ? `  needs ${needs}` : ""}`;
    return error === null ? [line] : [line, `             ${error.code}: ${error.message}`, `             ${error.hint}`];
  });
  const stays = left.map((place) => `  left       ${place}: our own object, to be deleted by who may`);
  return [`${style("bold", remote)}  ${location}`, `  as         ${identity}`, ...clock, ...lines, ...stays].join("\n");
}

function clockText(seconds: number): string {
  if (Math.abs(seconds) <= WORRYING_SECONDS) return "agrees with the server's";
  return `ours is ${Math.abs(seconds)} s ${seconds > 0 ? "behind" : "ahead of"} the server's: set it, other tools will be refused`;
}
