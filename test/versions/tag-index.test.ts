/** What is remembered of tags is what Git says, whatever became of the file it is remembered in. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { readMessage } from "../../src/versions/message.ts";
import { readRegistry } from "../../src/versions/registry.ts";
import { countGit } from "../support/git-counter.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const RECORDED = `model="a | b" | lr=1e-4 | größer ✓

more text

Kind: sweep
Run: quiet-otter-0412 lr=0.10 __proto__=1
Run: shy-fox-0001
Best-Run: quiet-otter-0412
Merged: e0.0.1
Code: ${"a".repeat(40)}
Data-Hash: 3a2f1b.dir
Data: ${"3".repeat(32)}.dir 1048576 data/train
Model: ${"4".repeat(32)} - "models/a model.json"
Param: lr=1e-4
Param: __proto__=own
Metric: accuracy=0.90 max
Metric: loss=0.1
Metric: nonsense
Signed-off-by: Ada
`;

let repo: TestRepository;
let file: string;

beforeAll(() => {
  repo = makeRepository();
  file = join(repo.root, ".git/expver/versions/tags");
  const commit = repo.commit("first");
  const who = "Ada <ada@example.com> 1700000000 +0130";
  const data = (text: string | Buffer) =>
    Buffer.concat([Buffer.from(`data ${Buffer.byteLength(text)}\n`), Buffer.from(text), Buffer.from("\n")]);
  const tag = (name: string, text: string | Buffer) => [Buffer.from(`tag ${name}\nfrom ${commit}\ntagger ${who}\n`), data(text)];
  const tags = Array.from({ length: 120 }, (_, index) => tag(`e1.${index}.0`, `${RECORDED.trimEnd()}\nNumber: ${index}\n`));
  const broken = tag("e2.0.0", Buffer.from([0x61, 0xff, 0x62, 0x0a]));
  repo.run("git", ["fast-import", "--quiet"], { input: Buffer.concat([...tags, broken].flat()) });
  repo.git("tag", "e2.1.0");
  repo.git("tag", "-a", "e2.2.0", "-m", "a tag of a tag", "e2.0.0");
  repo.git("tag", "-a", "e2.3.0", "-m", "of a tree", "HEAD^{tree}");
  repo.git("tag", "e2.4.0", "HEAD^{tree}");
  repo.git("update-ref", "refs/expver/unpublished/e1.3.0", "e1.3.0");
});

beforeEach(() => {
  rmSync(dirname(file), { recursive: true, force: true });
});

/** Every fact of every version, and with how many processes it was found. */
function reading(): { found: string; calls: string[] } {
  const counter = countGit();
  const project = openProject(
    openTestRepository(repo.root, { ...(repo.context.env as Record<string, string>), PATH: counter.path }).context,
  );
  counter.reset();
  const found = JSON.stringify(readRegistry(project));
  return { found, calls: counter.calls() };
}

it("is what Git says, without one message being asked for", () => {
  const asked = reading();
  expect(asked.calls).toHaveLength(2);
  expect(asked.found).toContain("größer ✓");
  expect(asked.found).toContain('"problems":["Metric: \\"nonsense\\" cannot be read"]');
  expect(asked.found).toContain("not valid UTF-8");
  expect(asked.found).toContain("the tag points to a tree");
  const remembered = reading();
  expect(remembered.found).toBe(asked.found);
  expect(remembered.calls).toHaveLength(2);
  expect(remembered.calls.join()).not.toContain("%(contents)");
});

it("asks for the messages of the few tags that it does not know: new ones, and one that was moved", () => {
  reading();
  repo.git("tag", "-a", "e3.0.0", "-m", "lr=1 | a new one");
  repo.git("tag", "-f", "-a", "e1.7.0", "-m", "moved");
  repo.git("tag", "-d", "e1.8.0");
  const { found, calls } = reading();
  expect(calls).toHaveLength(3);
  expect(calls.filter((call) => call.includes("%(contents)"))).toEqual([
    expect.stringMatching(/ refs\/tags\/e1\.7\.0 refs\/tags\/e3\.0\.0$/),
  ]);
  rmSync(file);
  expect(found).toBe(reading().found);
  expect(found).toContain("a new one");
  expect(found).not.toContain("e1.8.0");
  for (const name of ["e3.0.0", "e1.7.0"]) repo.git("tag", "-d", name);
});

it("is nothing when a byte of it is another, when it was cut, emptied, or is somebody else's", () => {
  const { found } = reading();
  const whole = readFileSync(file);
  const at = whole.indexOf("1e-4");
  const others = [
    Buffer.concat([whole.subarray(0, at), Buffer.from("2"), whole.subarray(at + 1)]),
    whole.subarray(0, whole.length - 300),
    Buffer.concat([Buffer.from("expver tags 0 "), whole.subarray("expver tags 1 ".length)]),
    Buffer.from("a note\n"),
    Buffer.alloc(0),
  ];
  for (const bytes of others) {
    writeFileSync(file, bytes);
    expect(reading().found).toBe(found);
    expect(readFileSync(file).equals(whole)).toBe(true);
  }
});

it("is done without where it cannot be kept, and where one object stands for another", () => {
  const { found } = reading();
  rmSync(dirname(file), { recursive: true });
  writeFileSync(dirname(file), "in the way");
  expect(reading().found).toBe(found);
  rmSync(dirname(file));
  reading();
  repo.git("replace", "e1.5.0", "e1.6.0");
  const { found: replaced, calls } = reading();
  repo.git("replace", "-d", repo.git("rev-parse", "e1.5.0"));
  expect(calls.at(-2)).toContain("%(contents)");
  expect(replaced).toContain("Number");
  expect(replaced.split('["Number","6"]')).toHaveLength(3);
});

it("is made for many tags only", () => {
  const few = makeRepository();
  few.commit("first");
  few.git("tag", "-a", "e0.1.0", "-m", "text");
  readRegistry(openProject(few.context));
  expect(existsSync(join(few.root, ".git/expver/versions"))).toBe(false);
});

/** A memory made by an earlier expver is read by a later one: when this fails because more is read out of a message, raise SCHEMA. */
it("holds what schema 1 held", () => {
  expect(readMessage(RECORDED)).toMatchInlineSnapshot(`
    {
      "message": {
        "bestRun": "quiet-otter-0412",
        "body": "more text",
        "code": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "data": [
          {
            "hash": "33333333333333333333333333333333.dir",
            "path": "data/train",
            "size": 1048576,
          },
        ],
        "dataHash": "3a2f1b.dir",
        "description": "größer ✓",
        "headline": [
          [
            "model",
            "a | b",
          ],
          [
            "lr",
            "1e-4",
          ],
        ],
        "kind": "sweep",
        "merged": [
          "e0.0.1",
        ],
        "metrics": [
          {
            "direction": "max",
            "name": "accuracy",
            "value": "0.90",
          },
          {
            "direction": null,
            "name": "loss",
            "value": "0.1",
          },
        ],
        "models": [
          {
            "hash": "44444444444444444444444444444444",
            "path": "models/a model.json",
            "size": null,
          },
        ],
        "other": [
          [
            "Signed-off-by",
            "Ada",
          ],
        ],
        "params": {
          "__proto__": "own",
          "lr": "1e-4",
        },
        "runs": [
          {
            "params": {
              "__proto__": "1",
              "lr": "0.10",
            },
            "run": "quiet-otter-0412",
          },
          {
            "params": {},
            "run": "shy-fox-0001",
          },
        ],
      },
      "problems": [
        "Metric: "nonsense" cannot be read",
      ],
    }
  `);
});
