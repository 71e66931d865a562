/** One operation with an effect of every kind, step by step: each step's effects, and the change they announce. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openProject, type Project } from "../../src/config/project.ts";
import type { RowHooks } from "../../src/journal/effects/kind.ts";
import { moveToTrash, trashPlace } from "../../src/journal/trash.ts";
import type { Effect } from "../../src/journal/types.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

export interface Story {
  repo: TestRepository;
  project: Project;
  steps: { effect: Effect; change: () => void }[];
  rows: RowHooks;
  /** Everything the operation may change, as text. */
  state: () => Record<string, string>;
}

export function makeStory(): Story {
  const repo = makeRepository();
  const first = repo.commit("first", { "change.txt": "old\n", "gone.txt": "bye\n", "data.bin": "uncached" });
  const project = openProject(repo.context);
  const path = (name: string) => join(repo.root, name);
  const blob = repo.run("git", ["hash-object", "-w", "--stdin"], { input: "outs:\n" }).stdout.trim();
  const later = repo.git("commit-tree", "-p", first, "-m", "later", `${first}^{tree}`);
  const place = trashPlace(project, path("data.bin"));
  const table = path(".git/rows");
  const file = (name: string, before: string | null, after: string | null) => ({
    effect: { kind: "file", path: name, before, after } as const,
    change: () => (after === null ? rmSync(path(name)) : writeFileSync(path(name), after)),
  });
  const ref = (name: string, before: string | null, after: string) => ({
    effect: { kind: "ref", ref: name, before, after } as const,
    change: () => void repo.git("update-ref", name, after),
  });
  return {
    repo,
    project,
    steps: [
      { effect: { kind: "folder", path: "new folder" }, change: () => mkdirSync(path("new folder")) },
      file("new folder/x.dvc", null, "outs:\n"),
      file("change.txt", "old\n", "new\n"),
      file("change.txt", "new\n", "newer\n"),
      file("gone.txt", "bye\n", null),
      { effect: { kind: "trash", path: "data.bin", trash: place }, change: () => void moveToTrash(project, path("data.bin"), place) },
      {
        effect: { kind: "rows", database: "results/experiments.db", run: "quiet-otter-0412" },
        change: () => writeFileSync(table, "added"),
      },
      ref("refs/heads/main", first, later),
      ref("refs/tags/e0.1.0", null, later),
      {
        effect: { kind: "index", entries: [{ path: "new folder/x.dvc", before: null, after: { mode: "100644", object: blob } }] },
        change: () => void repo.git("update-index", "--add", "--cacheinfo", `100644,${blob},new folder/x.dvc`),
      },
      { effect: { kind: "remote", remote: "origin", detail: "pushed e9.9.9" }, change: () => {} },
    ],
    rows: {
      look: () => {
        const now = textOf(table);
        return now === "added" ? { state: "after" } : now === null ? { state: "before" } : { state: "other", now: "rows changed" };
      },
      takeBack: () => rmSync(table, { force: true }),
    },
    state: () => ({
      refs: repo.git("for-each-ref"),
      index: repo.git("ls-files", "-s"),
      status: repo.git("status", "--porcelain"),
      change: String(textOf(path("change.txt"))),
      gone: String(textOf(path("gone.txt"))),
      data: String(textOf(path("data.bin"))),
      rows: String(textOf(table)),
    }),
  };
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
