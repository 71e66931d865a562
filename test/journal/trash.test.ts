import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { moveToTrash, restoreFromTrash } from "../../src/journal/trash.ts";
import { makeRepository } from "../support/repository.ts";

test("a folder goes to the trash with everything in it and comes back", () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  repo.write("data/sub/x", "bytes");
  const place = moveToTrash(project, join(repo.root, "data"));
  expect(existsSync(join(repo.root, "data"))).toBe(false);
  expect(readFileSync(join(place, "sub/x"), "utf8")).toBe("bytes");
  restoreFromTrash(place, join(repo.root, "data"));
  expect(repo.read("data/sub/x")).toBe("bytes");
});

test("equal names do not meet, not even the trash's own", () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  const places = ["1", "2"].map((text) => {
    repo.write("origin.json", text);
    return moveToTrash(project, join(repo.root, "origin.json"));
  });
  expect(places.map((place) => readFileSync(place, "utf8"))).toEqual(["1", "2"]);
});

test("what cannot be moved stays, and the error names it", () => {
  const repo = makeRepository();
  expect(() => moveToTrash(openProject(repo.context), join(repo.root, "gone"))).toThrow(/gone to the trash/);
});
