import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatMessage, parseMessage, readMessage } from "../../src/versions/message.ts";
import type { VersionMessage } from "../../src/versions/types.ts";
import { makeRepository } from "../support/repository.ts";

const EMPTY: VersionMessage = {
  headline: [],
  description: "",
  body: "",
  kind: null,
  runs: [],
  bestRun: null,
  merged: [],
  code: null,
  dataHash: null,
  data: [],
  models: [],
  params: {},
  metrics: [],
  other: [],
};

describe("writing a message", () => {
  it("puts the first line first and one trailer a line", () => {
    const text = formatMessage({
      ...EMPTY,
      headline: [
        ["model", "logreg"],
        ["lr", "1e-5"],
      ],
      description: "first baseline",
      body: "# why\nbecause",
      kind: "sweep",
      runs: [
        { run: "quiet-otter-0412", params: { lr: "1e-5", note: "two words" } },
        { run: "calm-fox-0001", params: {} },
      ],
      bestRun: "quiet-otter-0412",
      merged: ["e0.1.0"],
      code: "a".repeat(40),
      dataHash: "3a2f1b00",
      data: [{ hash: "3a2f1b00", size: 12, path: "data/my file.csv" }],
      models: [{ hash: "77.dir", size: null, path: " odd\n" }],
      params: { lr: "1e-5", text: " a | b" },
      metrics: [
        { name: "accuracy", value: "0.8667", direction: "max" },
        { name: "odd", value: "0.1", direction: null },
      ],
      other: [["Signed-off-by", "Ada <ada@example.com>"]],
    });
    expect(text).toBe(`model=logreg | lr=1e-5 | first baseline

# why
because

Kind: sweep
Run: quiet-otter-0412 lr=1e-5 note="two words"
Run: calm-fox-0001
Best-Run: quiet-otter-0412
Merged: e0.1.0
Code: ${"a".repeat(40)}
Data-Hash: 3a2f1b00
Data: 3a2f1b00 12 data/my file.csv
Model: 77.dir - " odd\\n"
Param: lr=1e-5
Param: text=" a | b"
Metric: accuracy=0.8667 max
Metric: odd=0.1
Signed-off-by: Ada <ada@example.com>
`);
  });

  it("reads back exactly, whatever the texts are", () => {
    fc.assert(
      fc.property(anyMessage(), (message) => {
        expect(readMessage(formatMessage(message))).toEqual({ message, problems: [] });
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps every byte on its way through git", () => {
    const repo = makeRepository();
    repo.commit("first");
    const message: VersionMessage = {
      ...EMPTY,
      headline: [["#lr", "é\ud83d\ude00"]],
      description: "#1 | tab\there",
      body: "# a\n\n#b",
      kind: "manual",
    };
    repo.run("git", ["tag", "-a", "e0.1.0", "--cleanup=verbatim", "-F", "-"], { input: formatMessage(message) });
    expect(parseMessage(repo.git("tag", "-l", "--format=%(contents)", "e0.1.0"))).toEqual(message);
  });
});

describe("reading messages of others", () => {
  it("reads the original script's line", () => {
    const message = parseMessage("model=bert-base | lr=1e-4 | F1=0.89 | data=3a2f1b | larger batch | twice\n");
    expect(message.headline).toEqual([
      ["model", "bert-base"],
      ["lr", "1e-4"],
      ["F1", "0.89"],
      ["data", "3a2f1b"],
    ]);
    expect(message.description).toBe("larger batch | twice");
    expect(message.kind).toBeNull();
  });

  it("takes a hand-made text as text, with all that looks like trailers", () => {
    const message = parseMessage("Try again: the second = better\r\nmore\r\n\r\nReviewed-by: Bob\r\nCode: none\r\n");
    expect(message).toEqual({ ...EMPTY, description: "Try again: the second = better", body: "more\n\nReviewed-by: Bob\nCode: none" });
  });

  it("reads a first line that begins with blanks, or with the mark that editors of Windows put there", () => {
    const headline = [["accuracy", "0.9"]];
    for (const before of ["  ", "\ufeff", "\n\ufeff"]) {
      expect(parseMessage(`${before}accuracy=0.9 | text\n`)).toMatchObject({ headline, description: "text" });
    }
  });

  it("leaves out a signature", () => {
    const text = "lr=1 | x\n\nKind: manual\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n";
    expect(parseMessage(text)).toEqual({ ...EMPTY, headline: [["lr", "1"]], description: "x", kind: "manual" });
    expect(parseMessage('model="a b"  \n').headline).toEqual([["model", "a b"]]);
  });

  it("names what it cannot read and keeps the rest", () => {
    const { message, problems } = readMessage(
      "x\n\nKind: dream\nKind: run\nData: abc\nModel: h 12 ok\nCode: HEAD\nMetric: a=1 up\nMetric: b=2 min\nParam: =1\nRun: \nRun: r a\nRun: r a=1\n  b=2\n",
    );
    expect(problems.map((text) => text.split(":")[0])).toEqual(["Kind", "Kind", "Data", "Code", "Metric", "Param", "Run", "Run"]);
    expect(message).toMatchObject({
      kind: "run",
      models: [{ hash: "h", size: 12, path: "ok" }],
      metrics: [{ name: "b", value: "2", direction: "min" }],
      runs: [{ run: "r", params: { a: "1", b: "2" } }],
    });
  });

  it("keeps trailers of a kind it does not know when it writes them again", () => {
    const message = parseMessage("a=1\n\nKind: import\nMetric: acc=1 max\nX: y\n");
    expect(message).toMatchObject({ kind: null, metrics: [{ name: "acc", value: "1", direction: "max" }] });
    expect(parseMessage(formatMessage(message))).toEqual(message);
    expect(formatMessage(message)).toMatch(/^Kind: import$/m);
  });

  it("never fails, and is stable from the second writing on", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(fc.constantFrom("a=1", " | ", "\n", '"', "Kind: run", ": ", "x", "=", "\n\n", "#")).map((parts) => parts.join("")),
        ),
        (text) => {
          const once = parseMessage(text);
          const twice = parseMessage(formatMessage(once));
          expect(parseMessage(formatMessage(twice))).toEqual(twice);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

function anyMessage(): fc.Arbitrary<VersionMessage> {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc
      .array(fc.constantFrom("a", "=", " | ", "|", " ", '"', "\n", "\\", "#", "\r", "Kind: run", "é", "\ud800", "\u2028", "-", "max"))
      .map((parts) => parts.join("")),
  );
  const word = fc.stringMatching(/^[a-z0-9.]{1,12}$/);
  const table = fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true });
  const artifact = fc.record({ hash: word, size: fc.option(fc.nat()), path: text.filter((path) => path !== "") });
  const body = fc
    .array(fc.constantFrom("# x", "plain text", "", "Kind: run", "Data: x", "  indented"))
    .map((lines) => lines.join("\n").replace(/^\n+|\n+$/g, ""))
    .filter((one) => one === one.trimEnd());
  const recorded = fc.record({
    headline: fc.array(fc.tuple(text, text), { maxLength: 4 }),
    description: text,
    body,
    kind: fc.constantFrom("run" as const, "sweep" as const, "merge" as const, "manual" as const),
    runs: fc.array(fc.record({ run: text, params: table }), { maxLength: 3 }),
    bestRun: fc.option(text),
    merged: fc.array(text, { maxLength: 2 }),
    code: fc.option(fc.constant("a".repeat(40))),
    dataHash: fc.option(word),
    data: fc.array(artifact, { maxLength: 2 }),
    models: fc.array(artifact, { maxLength: 2 }),
    params: table,
    metrics: fc.array(fc.record({ name: text, value: text, direction: fc.constantFrom("max" as const, "min" as const, null) }), {
      maxLength: 3,
    }),
    other: fc.array(
      fc.tuple(
        fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]*$/).filter((key) => !OWN.includes(key)),
        word,
      ),
      { maxLength: 2 },
    ),
  });
  const unrecorded = fc
    .record({ headline: fc.array(fc.tuple(text, text), { maxLength: 4 }), description: text })
    .map((part) => ({ ...EMPTY, ...part, body: "# free\n\ntext" }));
  return fc.oneof(recorded, unrecorded);
}

const OWN = "Kind Best-Run Code Data-Hash Run Merged Data Model Param Metric".split(" ");
