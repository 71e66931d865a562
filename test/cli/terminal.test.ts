import { describe, expect, it } from "vitest";
import { terminalOf } from "../../src/cli/terminal.ts";

const TTY = { isTTY: true, columns: 66 } as NodeJS.WriteStream;
const PIPE = { isTTY: false } as NodeJS.WriteStream;

describe("terminalOf", () => {
  it.each([
    ["a terminal", TTY, {}, { width: 66, coloured: true }],
    ["a terminal that wants no colours", TTY, { NO_COLOR: "1" }, { width: 66, coloured: false }],
    ["a terminal that knows none", TTY, { TERM: "dumb" }, { width: 66, coloured: false }],
    ["a pipe: nothing is cut", PIPE, { COLUMNS: "66" }, { width: Number.POSITIVE_INFINITY, coloured: false }],
    ["a pipe that ends on a terminal", PIPE, { FORCE_COLOR: "1", COLUMNS: "66" }, { width: 66, coloured: true }],
    ["a pipe that ends somewhere coloured", PIPE, { FORCE_COLOR: "1" }, { width: Number.POSITIVE_INFINITY, coloured: true }],
    ["FORCE_COLOR=0", PIPE, { FORCE_COLOR: "0", COLUMNS: "66" }, { width: Number.POSITIVE_INFINITY, coloured: false }],
    ["NO_COLOR wins", PIPE, { FORCE_COLOR: "1", NO_COLOR: "1" }, { width: Number.POSITIVE_INFINITY, coloured: false }],
  ])("%s", (_name, stream, env, expected) => {
    const { width, coloured, style } = terminalOf(stream, env);
    expect({ width, coloured }).toEqual(expected);
    expect(style("red", "x") !== "x").toBe(expected.coloured);
  });

  it("--no-color", () => {
    expect(terminalOf(TTY, {}, false)).toMatchObject({ width: 66, coloured: false });
  });
});
