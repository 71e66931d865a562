/** What every command prints with `--json` is what schemas/v1.json says: played in the demo's repository by the built program. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "@modelcontextprotocol/client/validators/ajv";
import { describe, expect, it } from "vitest";
import { SCHEMA_FILE, schemaText } from "../../scripts/schemas.mjs";
import { commandTree, findCommand } from "../../src/cli/command-tree.ts";
import { CATALOGUE } from "../../src/workflows/catalogue/index.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";

const root = join(import.meta.dirname, "../..");
const published = JSON.parse(readFileSync(join(root, SCHEMA_FILE), "utf8"));

it("schemas/v1.json is fresh (else: npm run docs)", () => {
  expect(readFileSync(join(root, SCHEMA_FILE), "utf8")).toBe(schemaText(root, CATALOGUE));
});

/** Exit code where it is not 0; `{RUN}` and the like are filled in from what came before. */
type Line = [line: string, code?: number];

const VERSIONS: Line[] = [
  ["init"],
  ["init --dry-run"],
  ["init --remote ../store --cache ../cache --group"],
  ["demo ../another --brief"],
  ["completion bash"],
  ["advise"],
  ["advise workflow"],
  ["data push"],
  ["worktree create early"],
  ["advise merge early"],
  ["advise description"],
  ["advise description e0.2.0"],
  ["advise get e0.1.0 models/model.json"],
  ["advise cleanup"],
  ["log accuracy=0.5 epoch=1"],
  ["run --dry-run -- node train.js"],
  ["run -m third --param lr=2 -- node train.js --lr {lr}"],
  ["run --no-tag -- node train.js"],
  ["run -- node -e process.exit(3)", 1],
  ["run --detach -m behind -- node train.js"],
  ["runs wait"],
  ["runs list"],
  ["runs show"],
  ["runs logs"],
  ["runs stop", 1],
  ["sweep --grid lr=1,3 -- node train.js --lr {lr}"],
  ["sweep list"],
  ["sweep show"],
  ["sweep stop", 1],
  ["tag --suggest"],
  ["tag --patch -m again"],
  ["tag --list"],
  ["tag --show e0.1.0"],
  ["tag e0.0.0"],
  ["list"],
  ["list --group-by lr"],
  ["list --where nonsense=", 2],
  ["show e0.1.0"],
  ["show e9.9.9", 1],
  ["diff e0.1.0 e0.2.0"],
  ["get e0.1.0 models/model.json -o old.json"],
  ["sql SELECT~count(*)~AS~n,~1e400~AS~big,~9007199254740993~AS~digits~FROM~expver_runs"],
  ["lineage e0.2.0"],
  ["uses models/model.json"],
  ["verify"],
  ["verify e0.1.0"],
  ["report"],
  ["models list"],
  ["models info"],
  ["models history"],
  ["models promote e0.1.0 --yes"],
  ["models demote --yes"],
  ["models add e0.2.0"],
  ["models get e0.2.0 -o got.json"],
  ["models prune --keep 1 --yes"],
  ["models prune --keep 0 --dry-run"],
  ["restore e0.1.0 models/model.json --yes"],
  ["checkout e0.1.0"],
  ["worktrees"],
  ["cleanup e0.1.0 --yes"],
  ["data push"],
  ["worktree create trial"],
  ["check trial"],
  ["worktree finish trial --dry-run"],
  ["worktree remove trial --yes"],
  ["worktree create other"],
  ["worktree finish other --yes"],
  ["merge --dry-run e0.1.0"],
  ["publish --dry-run"],
  ["publish e0.1.0"],
  ["sync"],
  ["ops list"],
  ["ops show"],
  ["ops purge --dry-run"],
  ["ops purge --yes"],
  ["undo --dry-run", 4],
  ["models add e0.1.0"],
  ["undo"],
  ["doctor"],
  ["hooks list"],
  ["hooks install"],
  ["hooks remove"],
  ["skill show"],
  ["skill install"],
  ["skill check"],
  ["skill remove"],
];

const DATA: Line[] = [
  ["data version"],
  ["data root"],
  ["data add note.txt"],
  ["data commit -f"],
  ["data status"],
  ["data status --cloud"],
  ["data data status"],
  ["data diff"],
  ["data diff e0.1.0 e0.2.0"],
  ["data push"],
  ["data fetch"],
  ["data pull"],
  ["data checkout"],
  ["data list ."],
  ["data list-url data"],
  ["data du ."],
  ["data freeze data/train.csv.dvc"],
  ["data unfreeze data/train.csv.dvc"],
  ["data get . data/train.csv -o copy.csv"],
  ["data get-url data/train.csv copy2.csv"],
  ["data import ../source data/train.csv -o imported.csv"],
  ["data import-url data/test.csv linked.csv"],
  ["data update imported.csv.dvc"],
  ["data move note.txt words.txt"],
  ["data unprotect words.txt"],
  ["data check-ignore words.txt", 1],
  ["data remove words.txt.dvc"],
  ["data config core.autostage"],
  ["data cache dir"],
  ["data cache migrate"],
  ["data remote list"],
  ["data remote add second ../second"],
  ["data remote check"],
  ["data remote modify second jobs 4"],
  ["data remote rename second third"],
  ["data remote default"],
  ["data remote remove third"],
  ["data gc -w --dry"],
  ["data verify --sample 50%"],
  ["data init -f"],
  ["data destroy -f"],
];

describe.each([
  ["versions", VERSIONS],
  ["data", DATA],
])("what is printed about %s", (_name, lines) => {
  it("is as the schema says, and nothing that it does not name", { timeout: 240_000 }, () => {
    const repo = demo();
    const wrong = lines.flatMap((line) => problemsOf(repo, line));
    expect(wrong).toEqual([]);
  });
});

it("every command is played", () => {
  const tree = commandTree(CATALOGUE);
  const played = new Set([...VERSIONS, ...DATA].map(([line]) => findCommand(tree, wordsOf(line)).node.command?.name));
  // They answer Git, or a protocol.
  const left = new Set(["mcp", "merge-driver", "hooks run"]);
  expect(CATALOGUE.map(({ name }) => name).filter((name) => !played.has(name) && !left.has(name))).toEqual([]);
});

it("a schema that is not kept is noticed", () => {
  const validate = validatorOf("list");
  const list = JSON.parse(JSON.stringify({ schema: 1, ok: true, data: {}, warnings: [], error: null }));
  expect(validate(list)).toBe(false);
  expect(validatorOf("models list")({ schema: 2, ok: true, data: null, warnings: [], error: null })).toBe(false);
});

/** Two versions, a results database, data with a remote, a Git remote, and a second repository to import from. */
function demo(): TestRepository {
  const base = openTestRepository(makeFolder("schemas"));
  for (const name of ["demo", "source"]) expect(base.expver(["demo", name, "--brief"]).code).toBe(0);
  base.run("git", ["init", "-q", "--bare", "origin.git"]);
  const repo = openTestRepository(join(base.root, "demo"));
  repo.git("remote", "add", "origin", "../origin.git");
  expect(repo.expver(["data", "remote", "add", "-d", "store", "../store"]).code).toBe(0);
  repo.commit("a remote");
  repo.write("note.txt", "words\n");
  return repo;
}

function problemsOf(repo: TestRepository, [line, expected = 0]: Line): string[] {
  const words = wordsOf(line);
  const end = words.indexOf("--");
  const at = end < 0 ? words.length : end;
  const { code, stdout, stderr } = repo.expver([...words.slice(0, at), "--json", ...words.slice(at)]);
  if (code !== expected) return [`${line}: exit code ${code}, not ${expected}: ${(stderr + stdout).replace(/\s+/g, " ").slice(0, 700)}`];
  const command = findCommand(commandTree(CATALOGUE), words).node.command;
  if (command?.bareJson && code !== 0) return [];
  const validate = validatorOf(command?.name ?? "");
  if (validate(JSON.parse(stdout))) return [];
  const said = validate.errors?.map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  return [`${line}: ${said?.slice(0, 12).join("; ")} in ${stdout.replace(/\s+/g, " ").slice(0, 700)}`];
}

/** ~ stands for a blank within a word. */
function wordsOf(line: string): string[] {
  return line.split(" ").map((word) => word.replaceAll("~", " "));
}

const validators = new Map<string, Validate>();

function validatorOf(name: string): Validate {
  ajv ??= new Ajv({ strict: true, strictTypes: false, allowUnionTypes: true, strictRequired: false }).addSchema(closed(published), "v1");
  const validate: Validate = validators.get(name) ?? ajv.compile({ $ref: `v1#/definitions/${encodeURIComponent(name)}` });
  validators.set(name, validate);
  return validate;
}

let ajv: InstanceType<typeof Ajv> | null = null;

interface Validate {
  (value: unknown): unknown;
  errors?: { instancePath: string; message?: string; params: object }[] | null;
}

type Schema = Record<string, unknown>;

/** The same without room for fields that are not named: the published one leaves that room for later. */
function closed(schema: Schema): Schema {
  const open = new Set<string>();
  JSON.stringify(schema, (key, value) => {
    if (key === "allOf") for (const { $ref } of value as Schema[]) open.add(String($ref).replace("#/definitions/", ""));
    return value;
  });
  open.delete("Envelope");
  // Each workflow shows more of its plan.
  open.add("Plan");
  const close = (node: unknown, name = "", inAllOf = false): unknown => {
    if (Array.isArray(node)) return node.map((one) => close(one, "", inAllOf));
    if (typeof node !== "object" || node === null) return node;
    const entries = Object.entries(node).map(([key, value]): [string, unknown] => [
      key,
      key === "definitions"
        ? Object.fromEntries(Object.entries(value as Schema).map(([type, one]) => [type, close(one, type)]))
        : close(value, "", key === "allOf"),
    ]);
    const isObject = "properties" in node && !("allOf" in node) && !("additionalProperties" in node) && !inAllOf && !open.has(name);
    return { ...Object.fromEntries(entries), ...(isObject && isSchema(node) ? { additionalProperties: false } : {}) };
  };
  return close(schema) as Schema;
}

/** Not an object of properties one of which is called `properties`. */
function isSchema(node: object): boolean {
  return "type" in node && node.type === "object";
}

it("the package has it", () => {
  const { files, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(files).toContain("schemas");
  expect(existsSync(join(root, exports["./schemas/v1.json"]))).toBe(true);
});
