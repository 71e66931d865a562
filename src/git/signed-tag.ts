/** Tag objects that Git signs. `git tag` signs what it gives a name to at once; the name is for whoever moves refs, so it gets one elsewhere. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExpverError } from "../errors.ts";
import { removePath } from "../platform/files.ts";
import { addedSettings } from "./added-settings.ts";
import { git, gitResult, type Repository } from "./git.ts";
import { committer } from "./identity.ts";

export interface NewTag {
  /** Name without `refs/tags/`. */
  name: string;
  /** The commit it points to. */
  object: string;
  /** Stored to the byte: a line may begin with `#`. */
  message: string;
}

/** Throws E_GIT with Git's words when it cannot be signed. */
export function signedTag(repository: Repository, { name, object, message }: NewTag): string {
  committer(repository);
  const folder = mkdtempSync(join(tmpdir(), "expver-tag-"));
  const env = { ...repository.env, ...settingsFor(repository), GIT_DIR: folder, GIT_WORK_TREE: undefined };
  const here = { ...repository, env };
  const objects = { env: { GIT_OBJECT_DIRECTORY: join(repository.commonDir, "objects") } };
  try {
    git(here, ["init", "-q", "--bare", "--template=", ...(object.length > 40 ? ["--object-format=sha256"] : []), folder]);
    const args = ["-c", "i18n.commitEncoding=UTF-8", "tag", "-s", "--cleanup=verbatim", "-F", "-", name, object];
    const { code, stderr } = gitResult(here, args, { ...objects, input: message, allow: [1, 128] });
    // Git 2.39 makes one without a signature where ssh-keygen fails.
    if (code !== 0 || !/^-----BEGIN /m.test(git(here, ["cat-file", "tag", name], objects))) throw unsigned(name, stderr);
    return git(here, ["rev-parse", `refs/tags/${name}`]).trim();
  } finally {
    removePath(folder);
  }
}

function unsigned(name: string, stderr: string): ExpverError {
  const said = stderr.replace(/^The tag message has been left in .*\n?/m, "").trim();
  return new ExpverError("E_GIT", `the tag ${name} cannot be signed: ${said}`, {
    hint: "Signing must work in this shell (git tag -s test); or sign no tags: git config tag.gpgSign false",
    details: { version: name },
  });
}

/** How to sign and who does, from every place where Git looks for it. */
function settingsFor(repository: Repository): Record<string, string> {
  const { stdout } = gitResult(repository, ["config", "-z", "--get-regexp", "^(user|committer|gpg)\\."], { allow: [1] });
  const pairs = stdout.toString("utf8").split("\0").filter(Boolean);
  return addedSettings(
    repository,
    pairs.map((pair): [string, string] => {
      const at = pair.indexOf("\n");
      return at < 0 ? [pair, "true"] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
