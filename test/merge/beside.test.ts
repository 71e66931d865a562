/** What merges leave beside their output when they are killed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { besideOf, makerOf } from "../../src/merge/beside.ts";
import { isTemporaryName } from "../../src/platform/files.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "expver-beside-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A name as another process would have made it. */
function madeBy(change: (mark: { pid: string; start: string; space: string; boot: string }) => Record<string, string>): string {
  const name = basename(besideOf(join(dir, "out.db"), "merged"));
  const [, pid = "", start = "", space = "", boot = ""] = /\.(\d+)-(\w+)-(\w{6})(\w{6})\.merged\.tmp$/.exec(name) ?? [];
  const mark = { pid, start, space, boot };
  const other = { ...mark, ...change(mark) };
  return join(dir, `.out.db.${other.pid}-${other.start}-${other.space}${other.boot}.merged.tmp`);
}

it("a leftover goes when its process is gone, also where another has its number now, and stays where nobody can tell", () => {
  const left = {
    reused: madeBy(({ start }) => ({ start: `1${start}` })),
    gone: madeBy(() => ({ pid: "4194999" })),
    elsewhere: madeBy(() => ({ pid: "4194999", space: "0a0a0a" })),
    ofThisBoot: madeBy(() => ({ boot: "0a0a0a" })),
    ofEarlierBoot: madeBy(() => ({ boot: "0a0a0b" })),
    own: besideOf(join(dir, "out.db"), "merged"),
  };
  for (const path of Object.values(left)) writeFileSync(path, "half");
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  const beforeBoot = Date.now() / 1000 - uptime - 3600;
  utimesSync(left.ofEarlierBoot, beforeBoot, beforeBoot);
  expect(Object.values(left).every((path) => isTemporaryName(basename(path)) && makerOf(path) !== null)).toBe(true);
  besideOf(join(dir, "out.db"), "before");
  expect(Object.entries(left).flatMap(([what, path]) => (existsSync(path) ? [what] : []))).toEqual(["elsewhere", "ofThisBoot", "own"]);
});
