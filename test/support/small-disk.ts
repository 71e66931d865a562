/** File systems of their own, which can be filled up and made read-only. Mounting takes root (in a container also its capability). */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { makeFolder } from "./repository.ts";

const mounted: string[] = [];

afterAll(() => {
  for (const folder of mounted.splice(0)) spawnSync("umount", ["-l", folder]);
});

/** Mounts a tmpfs of so many KiB, on a folder that is there or a new one, and answers where; null where this process may not. */
export function smallDisk(kib: number, folder = makeFolder("disk")): string | null {
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", folder]).status !== 0) return null;
  mounted.push(folder);
  return folder;
}

/** Mounts a file system that clones blocks of files; null where there is no XFS, or this process may not. */
export function cloningDisk(): string | null {
  const [image, folder] = [join(makeFolder("image"), "xfs"), makeFolder("disk")];
  writeFileSync(image, "");
  truncateSync(image, 400 * 2 ** 20);
  if (spawnSync("mkfs.xfs", ["-q", image]).status !== 0) return null;
  if (spawnSync("mount", ["-o", "loop", image, folder]).status !== 0) return null;
  mounted.push(folder);
  return folder;
}

/**
 * Mounts what most external drives have: exFAT, without links and modes, which takes names that differ in case for one. Null where nothing
 * here can, or this process may not. `owner`: whose all files there are, whoever makes them; others may read and write them, but set no mode.
 */
export function externalDrive({ owner }: { owner?: number } = {}): string | null {
  const [image, folder] = [join(makeFolder("image"), "exfat"), makeFolder("disk")];
  writeFileSync(image, "");
  truncateSync(image, 64 * 2 ** 20);
  if (spawnSync("mkfs.exfat", [image]).status !== 0) return null;
  const options = owner === undefined ? "loop" : `loop,uid=${owner},umask=000,allow_other`;
  const mounts = (type: string) => spawnSync("mount", ["-t", type, "-o", options, image, folder]).status === 0;
  if (!["exfat", "exfat-fuse"].some(mounts)) return null;
  mounted.push(folder);
  return folder;
}

/** Mounts what a container makes of a folder in its image, as it is now: whose folders cannot be renamed. Null where this process may not. */
export function containerOf(image: string): string | null {
  const [layer, folder] = [makeFolder("layer"), makeFolder("disk")];
  for (const name of ["upper", "work"]) mkdirSync(join(layer, name));
  const options = `lowerdir=${image},upperdir=${layer}/upper,workdir=${layer}/work`;
  if (spawnSync("mount", ["-t", "overlay", "-o", options, "overlay", folder]).status !== 0) return null;
  mounted.push(folder);
  return folder;
}

/** Leaves no byte free. */
export function fill(disk: string): void {
  for (const size of [65536, 4096]) {
    try {
      for (let index = 0; ; index += 1) writeFileSync(join(disk, `ballast-${size}-${index}`), Buffer.alloc(size));
    } catch {
      // As it should be.
    }
  }
}

export function unfill(disk: string): void {
  for (const name of readdirSync(disk)) if (name.startsWith("ballast-")) rmSync(join(disk, name));
}

export function setReadOnly(disk: string, on: boolean): void {
  const { status, stderr } = spawnSync("mount", ["-o", `remount,${on ? "ro" : "rw"}`, disk], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
