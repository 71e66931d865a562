/** Worktrees on a disk without room: a clear word, and nothing left half-made or lost. */
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fill, smallDisk, unfill } from "../support/small-disk.ts";
import { makeLab } from "./story.ts";

it("making one where nothing fits leaves neither folder nor branch, and works once there is room", () => {
  const disk = smallDisk(4_000);
  if (disk === null) return;
  const { repo } = makeLab({ remotes: false });
  const state = () => [
    repo.git("for-each-ref"),
    repo.git("worktree", "list"),
    repo.git("status", "--porcelain"),
    readdirSync(disk).filter((name) => name.startsWith("exp")),
  ];
  const before = state();
  const create = () => repo.expverJson(["worktree", "create", "full", "--path", join(disk, "exp-full")]);
  fill(disk);
  expect(create().error).toMatchObject({ code: "E_DISK_FULL", hint: expect.stringContaining("Free space") });
  expect(state()).toEqual(before);
  unfill(disk);
  expect(create().code).toBe(0);
  expect(existsSync(join(disk, "exp-full/data/train.csv"))).toBe(true);
  expect(repo.expver(["worktree", "remove", "full"]).code).toBe(0);
});

it("what cannot be compared for want of room is no finding that --force could wave through", () => {
  const disk = smallDisk(8_000);
  if (disk === null) return;
  const lab = makeLab({ remotes: false });
  lab.must("worktree", "create", "full");
  const work = join(lab.repo.root, ".git/expver/tmp");
  mkdirSync(join(disk, "tmp"));
  if (existsSync(work)) renameSync(work, `${work}.old`);
  symlinkSync(join(disk, "tmp"), work);
  fill(disk);
  for (const line of [
    ["check", "full"],
    ["worktree", "remove", "full"],
    ["worktree", "remove", "full", "--force", "results", "unreadable", "--yes"],
  ]) {
    expect(lab.repo.expverJson(line).error).toMatchObject({ code: "E_DISK_FULL" });
  }
  expect(readdirSync(join(disk, "tmp"))).toEqual([]);
  unfill(disk);
  lab.must("worktree", "remove", "full");
});
