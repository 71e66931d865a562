/** Git LFS: a file in Git that only names the bytes, which git's filter brings when it writes a worktree. */
import { gitResult, type Repository } from "./git.ts";

/** Its specification bounds a pointer's size and fixes its first line. */
export function isLfsPointer(bytes: Uint8Array): boolean {
  return bytes.length < 1024 && Buffer.from(bytes).toString("latin1").startsWith("version https://git-lfs.github.com/spec/v1\n");
}

/** The bytes a checkout would write for a pointer; null when no filter knows how, or it has them nowhere. */
export function lfsBytes(repository: Repository, { path, blob }: { path: string; blob: string }): Buffer | null {
  const { code, stdout } = gitResult(repository, ["cat-file", "--filters", `--path=${path}`, blob], { allow: [1, 128, 255] });
  return code !== 0 || isLfsPointer(stdout) ? null : stdout;
}
