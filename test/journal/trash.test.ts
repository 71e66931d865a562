import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { moveToTrash, moveWhole, restoreFromTrash, restoringObjects, trashPlace } from "../../src/journal/trash.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

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

test("of objects that come back a listing is the last: others take it as proof of its members", () => {
  const [folder, trash] = [makeFolder("cache"), makeFolder("trash")];
  const names = ["files/md5/01/listing.dir", "files/md5/02/member", "files/md5/03/member"];
  for (const name of names) {
    mkdirSync(join(trash, dirname(name)), { recursive: true });
    writeFileSync(join(trash, name), name);
  }
  for (const _ of restoringObjects({ folder, trash, names }))
    if (existsSync(join(folder, names[0] ?? ""))) expect(names.filter((name) => !existsSync(join(folder, name)))).toEqual([]);
  expect(names.map((name) => existsSync(join(folder, name)))).toEqual([true, true, true]);
  expect(existsSync(trash)).toBe(false);
});

test("on another file system, it is on the disk there before it goes here", (context) => {
  const folder = makeFolder("here");
  for (let file = 0; file < 20; file += 1) writeFileSync(join(folder, `${file}`), "bytes");
  const elsewhere = mkdtempSync(join(tmpdir(), "expver-trash-"));
  onTestFinished(() => rmSync(elsewhere, { recursive: true }));
  context.skip(statSync(elsewhere).dev === statSync(folder).dev);
  // In the place of sync(1), one that tells what was there when it was asked for.
  const programs = makeFolder("programs");
  writeFileSync(join(programs, "sync"), `#!/bin/sh\nls ${folder} | wc -l >> ${programs}/seen\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${programs}:${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  moveWhole(folder, join(elsewhere, "kept"));
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(join(elsewhere, "kept"))).toHaveLength(20);
  expect(readFileSync(join(programs, "seen"), "utf8").trim()).toBe("20");
});

test("what cannot be moved stays, and the error names it", () => {
  const repo = makeRepository();
  expect(() => moveToTrash(openProject(repo.context), join(repo.root, "gone"))).toThrow(/gone to the trash/);
});

test("a place told by an operation needs no remembering: the same for one path, others for others", () => {
  const project = openProject(makeRepository().context);
  const [path, operation] = [join(project.root, "data/a"), "20261124T193018-4f2a"];
  const place = trashPlace(project, path, operation);
  expect(trashPlace(project, path, operation)).toBe(place);
  expect(basename(place)).toBe("a");
  const others = [
    trashPlace(project, join(project.root, "other/a"), operation),
    trashPlace(project, path, "20261124T193018-4f2b"),
    trashPlace(project, path),
    trashPlace(project, path),
  ];
  expect(new Set([place, ...others]).size).toBe(5);
});
