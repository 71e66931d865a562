import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { committer } from "../../src/git/identity.ts";
import { commitTree, hashBlob, makeTag } from "../../src/git/objects.ts";
import { makeRepository, openTestRepository } from "../support/repository.ts";

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

it("stores bytes without line-ending filters", () => {
  const repo = makeRepository();
  repo.git("config", "core.autocrlf", "true");
  const bytes = Buffer.from([0xff, 0x0d, 0x0a, 0x00]);
  const blob = hashBlob(repo.repository, bytes);
  expect(repo.run("sh", ["-c", `git cat-file blob ${blob} | od -An -tx1`]).stdout.trim()).toBe("ff 0d 0a 00");
});

it("makes a first commit without a parent and keeps the message to the byte", () => {
  const repo = makeRepository();
  const message = "äöü\n\n# not a comment\n  indented  \n";
  const commit = commitTree(repo.repository, { tree: repo.git("mktree"), parents: [], message });
  expect(repo.run("git", ["cat-file", "commit", commit]).stdout.split("\n\n").slice(1).join("\n\n")).toBe(message);
});

it("makes a tag object whose message begins a line with #, and no ref", () => {
  const repo = makeRepository();
  const commit = repo.commit("first");
  const tag = makeTag(repo.repository, { name: "e0.1.0", object: commit, message: "# one\n#two" });
  expect(repo.run("git", ["cat-file", "tag", tag]).stdout).toMatch(
    /\ntag e0\.1\.0\ntagger Ada Tester <ada@example.com> \d+ [+-]\d{4}\n\n# one\n#two\n$/,
  );
  expect(repo.git("tag")).toBe("");
});

it("signs commits when commit.gpgSign is on, and fails with git's words when it cannot", () => {
  const repo = makeRepository();
  const signer = join(repo.root, "../signer");
  writeFileSync(signer, "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho FAKE-SIGNATURE\n", { mode: 0o755 });
  repo.git("config", "commit.gpgSign", "true");
  repo.git("config", "gpg.program", signer);
  const commit = commitTree(repo.repository, { tree: repo.git("mktree"), parents: [], message: "signed" });
  expect(repo.git("cat-file", "commit", commit)).toContain("gpgsig FAKE-SIGNATURE");
  repo.git("config", "gpg.program", "false");
  expect(() => commitTree(repo.repository, { tree: EMPTY_TREE, parents: [], message: "x" })).toThrow(/gpg failed to sign/);
});

function signingTags(): ReturnType<typeof makeRepository> {
  const repo = makeRepository();
  const key = join(repo.root, "../key");
  repo.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  writeFileSync(join(repo.root, "../allowed"), `ada@example.com ${readFileSync(`${key}.pub`, "utf8")}`);
  const settings = { "tag.gpgSign": "true", "gpg.format": "ssh", "user.signingKey": key, "gpg.ssh.allowedSignersFile": "../allowed" };
  for (const [name, value] of Object.entries(settings)) repo.git("config", name, value);
  return repo;
}

it("signs tags when tag.gpgSign is on, the message to the byte, and no ref; from a linked worktree too", () => {
  const repo = signingTags();
  const commit = repo.commit("first");
  repo.git("worktree", "add", "-q", "../linked");
  for (const [at, name] of [
    [repo, "e0.1.0"],
    [openTestRepository(join(repo.root, "../linked"), repo.context.env as Record<string, string>), "e0.2.0"],
  ] as const) {
    const message = "# one\n\n\n  #two  \n";
    const tag = makeTag(at.repository, { name, object: commit, message });
    expect(repo.git("tag")).toBe(name === "e0.1.0" ? "" : "e0.1.0");
    expect(repo.run("git", ["cat-file", "tag", tag]).stdout).toContain(`\n\n${message}-----BEGIN SSH SIGNATURE-----\n`);
    repo.git("update-ref", `refs/tags/${name}`, tag);
    expect(repo.run("git", ["tag", "-v", name]).stderr).toContain('Good "git" signature for ada@example.com');
  }
});

it("a tag that cannot be signed is not made, where Git makes one without a signature too", () => {
  const repo = signingTags();
  const commit = repo.commit("first");
  for (const settings of [{ "user.signingKey": "/no/key" }, { "gpg.format": "openpgp", "gpg.program": "false" }]) {
    for (const [name, value] of Object.entries(settings)) repo.git("config", name, value);
    expect(() => makeTag(repo.repository, { name: "e0.1.0", object: commit, message: "x" })).toThrow(
      /^the tag e0\.1\.0 cannot be signed: /,
    );
    expect(repo.git("tag")).toBe("");
  }
});

it("refuses without an identity", () => {
  const repo = makeRepository();
  writeFileSync(join(repo.root, "../home/.gitconfig"), "[user]\n\tuseConfigOnly = true\n");
  const refused = expect.objectContaining({ code: "E_GIT_IDENTITY" });
  expect(() => committer(repo.repository)).toThrowError(refused);
  expect(() => commitTree(repo.repository, { tree: EMPTY_TREE, parents: [], message: "x" })).toThrowError(refused);
});

it("takes the identity of the environment over the configured one", () => {
  const repo = makeRepository();
  const env = { ...repo.context.env, GIT_COMMITTER_NAME: "Eve <x", GIT_COMMITTER_EMAIL: "eve@example.com" } as Record<string, string>;
  expect(committer(openTestRepository(repo.root, env).repository)).toMatchObject({ email: "eve@example.com" });
});
