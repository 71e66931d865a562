import { expect, test } from "vitest";
import { renderOpsList, renderOpsShow } from "../../src/cli/render/ops.ts";
import { openProject } from "../../src/config/project.ts";
import { beginOperation } from "../../src/journal/operations.ts";
import { init } from "../../src/workflows/init.ts";
import { opsList, opsShow } from "../../src/workflows/ops.ts";
import { undo } from "../../src/workflows/undo.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeRepository } from "../support/repository.ts";

const terminal = { width: 60, isTTY: false, coloured: false, style: (_: unknown, text: string) => text };

const setUp = async () => {
  const repo = makeRepository();
  await init.apply(repo.context, await init.plan(repo.context, {}));
  return { repo, context: repo.context, project: openProject(repo.context) };
};

test("ops lists operations newest first, telling running, killed and foreign ones apart", async () => {
  const { context, project } = await setUp();
  const start = { argv: [], summary: "x" };
  beginOperation(project, context, { ...start, command: "run" });
  beginOperation(project, context, { ...start, command: "run", owner: deadIdentity() });
  beginOperation(project, context, { ...start, command: "run", owner: { ...deadIdentity(), host: "elsewhere" } });
  const { operations } = await opsList.read(context, {});
  expect(operations.map(({ command, state }) => `${command} ${state}`)).toEqual([
    "run elsewhere",
    "run killed",
    "run running",
    "init done",
  ]);
  expect(await opsList.read(context, { limit: "1" })).toMatchObject({ operations: [{ state: "elsewhere" }], leftOut: 3 });
  expect((await opsList.read(context, { all: true })).leftOut).toBe(0);
  await expect(opsList.read(context, { limit: "-1" })).rejects.toThrow(/whole number/);
});

test("ops works although expver.yaml has a mistake", async () => {
  const { repo, context } = await setUp();
  repo.write("expver.yaml", "publsh: ask\n");
  expect((await opsList.read(context, {})).operations).toHaveLength(1);
});

test("ops show tells of each effect whether it stands", async () => {
  const { repo, context } = await setUp();
  repo.write("expver.yaml", "publish: auto\n");
  const [line] = (await opsList.read(context, {})).operations;
  const details = await opsShow.read(context, { op: line?.id });
  expect(details.effects.map(({ target, state }) => `${target} ${state}`)).toEqual([
    ".dvc after",
    ".dvc/config after",
    ".dvc/.gitignore after",
    ".dvcignore after",
    "expver.yaml other",
    ".gitignore after",
    ".gitattributes after",
  ]);
  expect(renderOpsShow(details, terminal)).toMatch(/expver\.yaml {6}changed since \(changed\)/);
});

test("undo refuses over a changed file with exit kind 4, and names it; its dry run lists the steps", async () => {
  const { repo, context } = await setUp();
  const plan = await undo.plan(context, {});
  expect(plan.steps).toContainEqual({ verb: "delete", target: "expver.yaml", keeps: "journal" });
  repo.write("expver.yaml", "publish: auto\n");
  await expect(undo.plan(context, {})).rejects.toThrow(
    expect.objectContaining({ code: "E_UNDO", kind: "refused", message: expect.stringContaining("expver.yaml") }),
  );
});

test("the list fits the terminal, and no name can move its cursor", () => {
  const operation = {
    id: "20260301T120000-0001",
    command: "init",
    summary: "x".repeat(100),
    state: "done",
    startedAt: "2026-03-01T12:00:00.000Z",
    endedAt: null,
    worktree: "/w",
    here: true,
  } as const;
  const list = renderOpsList({ operations: [{ ...operation, summary: "\u001b[2Jgone" }, operation], leftOut: 2 }, terminal);
  expect(list).not.toContain("\u001b");
  expect(Math.max(...list.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(list).toContain("2 older: expver ops --all");
});
