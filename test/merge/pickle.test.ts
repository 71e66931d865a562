/** What xetrack's asset tables pickle, against the real `pickle`. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { pickleCount, readPickle } from "../../src/merge/results/pickle.ts";
import { peer } from "../support/peers.ts";

const python = peer("python");

/** `pickle.dumps(value, protocol)` of each expression. */
function pickled(expressions: readonly string[], protocol = 5): Uint8Array[] {
  const program = `import pickle\nfor value in [${expressions.join(", ")}]: print(pickle.dumps(value, ${protocol}).hex())`;
  const lines = execFileSync(python as string, ["-c", program], { encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.map((line) => Uint8Array.from(Buffer.from(line, "hex")));
}

describe.skipIf(python === null)("a pickle", () => {
  const COUNTS = [0, 1, 255, 256, 65535, 65536, 2 ** 31 - 1];

  it("of a count is one that Python reads", () => {
    const program = "import pickle, sys\nfor line in sys.stdin: print(pickle.loads(bytes.fromhex(line)))";
    const input = COUNTS.map((count) => Buffer.from(pickleCount(count)).toString("hex")).join("\n");
    const read = execFileSync(python as string, ["-c", program], { input, encoding: "utf8" });
    expect(read.trim().split("\n").map(Number)).toEqual(COUNTS);
  });

  it("of a whole number or a text is read, by any protocol of bytes", () => {
    const numbers = [...COUNTS.map(BigInt), -1n, -(2n ** 31n), 2n ** 31n, -(2n ** 63n), 2n ** 63n - 1n];
    const texts = ["", "fitted", "größe", "x".repeat(255), "y".repeat(256)];
    for (const protocol of [2, 3, 4, 5]) {
      expect(pickled(numbers.map(String), protocol).map(readPickle)).toEqual(numbers);
      expect(
        pickled(
          texts.map((text) => JSON.stringify(text)),
          protocol,
        ).map(readPickle),
      ).toEqual(texts);
    }
  });

  it("of anything else is not, nor one that is cut off or goes on", () => {
    const others = ["None", "True", "0.5", "[]", "('a', 1)", "{'a': 1}", "b'a'", "2 ** 63", "-2 ** 63 - 1", "2 ** 600", "print"];
    expect(pickled(others).map(readPickle)).toEqual(others.map(() => undefined));
    const [text = new Uint8Array()] = pickled(["'fitted'"]);
    for (let length = 0; length < text.length; length += 1) expect(readPickle(text.subarray(0, length)), String(length)).toBeUndefined();
    expect(readPickle(Uint8Array.of(...text, 0x2e))).toBeUndefined();
  });
});
