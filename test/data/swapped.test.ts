/** A folder that becomes a link out of the repository between a command's plan and its changes. */
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Input, WriteWorkflow } from "../../src/workflows/contract.ts";
import { dataCheckout } from "../../src/workflows/data/cache/checkout.ts";
import { dataImportUrl } from "../../src/workflows/data/sources/import.ts";
import { dataAdd } from "../../src/workflows/data/tracking/add.ts";
import { dataCommit } from "../../src/workflows/data/tracking/commit.ts";
import { dataMove } from "../../src/workflows/data/tracking/move.ts";
import { dataRemove } from "../../src/workflows/data/tracking/remove.ts";
import { restore } from "../../src/workflows/restore.ts";
import { undo } from "../../src/workflows/undo.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const must = (repository: TestRepository, ...args: string[]) => expect([args, repository.expver(args)]).toMatchObject([args, { code: 0 }]);

/** Two versions of a folder, a file beside it and a file of Git; outside are files of the same names. */
function started(): TestRepository {
  const repository = makeRepository();
  must(repository, "data", "init", "-q");
  repository.write("other/x", "x");
  repository.write("../source", "brought");
  for (const version of ["e0.1.0", "e0.2.0"]) {
    for (const path of ["d/a", "d/n/c", "sub/f", "sub/g"]) repository.write(path, `${path} of ${version}`);
    must(repository, "data", "add", "-q", "d", "sub/f");
    repository.commit(version);
    must(repository, "tag", version);
  }
  for (const name of ["a", "c", "f", "g", "f.dvc", ".gitignore", "n/c"]) repository.write(`../outside/${name}`, `precious ${name}`);
  return repository;
}

function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const stat = lstatSync(join(folder, name));
      return `${name} ${stat.mode.toString(8)} ${stat.isFile() ? readFileSync(join(folder, name), "utf8") : ""}`;
    });
}

type Workflow = WriteWorkflow<Input, never, unknown>;
type Prepare = (repository: TestRepository) => void;

const edit: Prepare = (repository) => repository.write("sub/f", "edited");
const cases: [what: string, swapped: string, workflow: unknown, input: Input, prepare?: Prepare][] = [
  ["checkout", "d/n", dataCheckout, { force: true }, (repository) => repository.write("d/n/c", "edited")],
  ["checkout of a file", "sub", dataCheckout, {}, ({ root }) => rmSync(join(root, "sub/f"))],
  ["remove", "sub", dataRemove, { target: ["sub/f.dvc"], outs: true }],
  ["move into", "other", dataMove, { src: "sub/f", dst: "other/g" }],
  ["add", "sub", dataAdd, { target: ["sub/f"] }, edit],
  ["commit", "sub", dataCommit, { target: ["sub/f.dvc"], force: true }, edit],
  ["import-url", "sub", dataImportUrl, { url: "../source", out: "sub/new" }],
  ["restore of a file in a folder", "d", restore, { version: "e0.1.0", path: ["d/n/c"] }],
  ["restore of a file of Git", "sub", restore, { version: "e0.1.0", path: ["sub/g"] }],
  ["restore of all", "sub", restore, { version: "e0.1.0" }],
  [
    "undo",
    "sub",
    undo,
    {},
    (repository) => {
      edit(repository);
      must(repository, "data", "checkout", "-f");
    },
  ],
];

it.each(cases)("%s writes nothing through %s", async (_what, swapped, workflow, input, prepare) => {
  const repository = started();
  prepare?.(repository);
  const outside = join(repository.root, "../outside");
  const before = snapshot(outside);
  const { plan, apply } = workflow as Workflow;
  const planned = await plan.call(workflow, repository.context, input);
  const [at, aside] = [join(repository.root, swapped), join(repository.root, "../aside")];
  renameSync(at, aside);
  symlinkSync(outside, at);
  await apply.call(workflow, repository.context, planned).catch(() => {});
  expect(snapshot(outside)).toEqual(before);
  // Once the folder is back, the next command finds everything as it was.
  rmSync(at);
  renameSync(aside, at);
  must(repository, "data", "checkout", "-f");
});

it.each<[what: string, path: string, prepare: Prepare]>([
  ["a file of a folder that is to be replaced", "d/n/c", (repository) => void repository.git("checkout", "-q", "e0.1.0")],
  ["a file that is to be replaced", "sub/f", (repository) => void repository.git("checkout", "-q", "e0.1.0")],
  [
    "a file that is to go",
    "d/extra",
    (repository) => {
      repository.write("d/extra", "stored");
      must(repository, "data", "add", "-q", "d");
      repository.git("checkout", "-q", "e0.2.0", "--", "d.dvc");
    },
  ],
  ["one that comes to where none was", "sub/f", ({ root }) => rmSync(join(root, "sub/f"))],
  ["one that comes to where none was in a folder", "d/n/c", ({ root }) => rmSync(join(root, "d/n/c"))],
])("checkout leaves %s, when it is written between plan and change", async (_what, path, prepare) => {
  const repository = started();
  prepare(repository);
  const planned = await dataCheckout.plan(repository.context, { force: true });
  repository.write(path, "written meanwhile");
  await expect(dataCheckout.apply(repository.context, planned)).rejects.toThrow(expect.objectContaining({ code: "E_UNSAVED" }));
  expect(repository.read(path)).toBe("written meanwhile");
});
