/** A repository that is in a container's image: its folders cannot be renamed. */
import { expect, it } from "vitest";
import { makeRepository, openTestRepository } from "../support/repository.ts";
import { containerOf } from "../support/small-disk.ts";

it("moves, removals and the trash work in a container whose image has them (mounting takes root)", ({ skip }) => {
  const image = makeRepository();
  image.expver(["init"]);
  image.write("data/sub/a.csv", "1\n");
  image.write("old/b.csv", "2\n");
  image.expver(["data", "add", "data", "old"]);
  image.commit("start");
  image.expver(["data", "remove", "old.dvc", "--outs"]);
  image.commit("without old");
  image.expver(["data", "gc", "-w", "-f"]);
  const root = containerOf(image.root);
  if (root === null) return skip();
  const repo = openTestRepository(root);
  const say = (...args: string[]) => {
    const { code, stderr } = repo.expver(args);
    expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
  };
  say("data", "move", "data", "moved");
  expect([repo.read("moved/sub/a.csv"), repo.run("ls", ["data"]).code === 0]).toEqual(["1\n", false]);
  say("undo");
  expect([repo.read("data/sub/a.csv"), repo.run("ls", ["moved"]).code === 0]).toEqual(["1\n", false]);
  say("data", "remove", "data.dvc", "--outs");
  say("undo");
  expect(repo.read("data/sub/a.csv")).toBe("1\n");
  say("ops", "purge", "--yes");
  say("data", "status");
});
