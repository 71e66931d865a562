import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { listRemotes, lsRemoteTags, publishRemote } from "../../src/git/remotes.ts";
import { whoWorksIn } from "../../src/platform/open-files.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

it.each<[string | null, string[][]]>([
  [null, []],
  ["only", [["remote", "add", "only", "/x"]]],
  [
    "origin",
    [
      ["remote", "add", "origin", "/x"],
      ["remote", "add", "other", "/y"],
    ],
  ],
  [
    null,
    [
      ["remote", "add", "a", "/x"],
      ["remote", "add", "b", "/y"],
    ],
  ],
  [
    "up",
    [
      ["remote", "add", "origin", "/x"],
      ["config", "branch.main.remote", "up"],
    ],
  ],
  [
    "origin",
    [
      ["remote", "add", "origin", "/x"],
      ["config", "branch.main.remote", "."],
    ],
  ],
  [
    "def",
    [
      ["remote", "add", "origin", "/x"],
      ["config", "branch.main.remote", "up"],
      ["config", "remote.pushDefault", "def"],
    ],
  ],
  [
    "own",
    [
      ["config", "remote.pushDefault", "def"],
      ["config", "branch.main.pushRemote", "own"],
    ],
  ],
])("publishes to %s after %j", (expected, commands) => {
  const repo = makeRepository();
  for (const command of commands) repo.git(...command);
  expect(publishRemote(repo.repository)).toBe(expected);
});

it("lists remotes whose names hold dots", () => {
  const repo = makeRepository();
  repo.git("remote", "add", "b.c", "/x");
  repo.git("remote", "add", "a", "/y");
  expect(listRemotes(repo.repository)).toEqual(["a", "b.c"]);
});

it("reads the remote's tags with their own objects", () => {
  const upstream = makeRepository();
  upstream.commit("first");
  upstream.git("tag", "-a", "e0.1.0", "-m", "text");
  upstream.git("tag", "v1");
  const repo = makeRepository({ cloneOf: upstream.root });
  expect(lsRemoteTags(repo.repository, "origin", "e", 30_000)).toEqual(new Map([["e0.1.0", upstream.git("rev-parse", "e0.1.0")]]));
});

it("answers null, soon, when the remote is gone or silent", () => {
  const repo = makeRepository();
  repo.git("remote", "add", "gone", "/nowhere/at/all");
  repo.git("remote", "add", "silent", "ssh://host.invalid/x");
  expect(lsRemoteTags(repo.repository, "gone", "e", 30_000)).toBeNull();
  // It would be silent for longer than a test may take.
  expect(lsRemoteTags(withSleepingSsh(repo).repository, "silent", "e", 300)).toBeNull();
});

it("leaves no ssh behind when the remote is silent: it would count as a program at work in the worktree", async () => {
  const repo = withSleepingSsh(makeRepository());
  repo.git("remote", "add", "silent", "ssh://host.invalid/x");
  expect(lsRemoteTags(repo.repository, "silent", "e", 1000)).toBeNull();
  await vi.waitFor(() => expect(whoWorksIn(repo.root)).toEqual([]), { timeout: 20_000 });
});

function withSleepingSsh(repo: TestRepository): TestRepository {
  const ssh = join(repo.root, "../ssh");
  writeFileSync(ssh, "#!/bin/sh\nexec sleep 120\n", { mode: 0o755 });
  return openTestRepository(repo.root, { ...(repo.context.env as Record<string, string>), GIT_SSH_COMMAND: ssh });
}
