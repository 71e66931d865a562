import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { checkOf } from "./check-of.ts";
import { conformance, folderSite } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";

it("check says what may be done in a folder", async () => {
  const { states, exitCode } = await checkOf({ url: makeFolder("checked") });
  expect([states, exitCode]).toEqual(["put ok, head ok, list not offered, get ok, multipart not offered, delete ok", 0]);
  expect((await checkOf({ url: "/etc/hostname/below-a-file" })).probes[0]).toMatchObject({ state: "failed", needs: "" });
});

it("names what is in the way of a folder of objects, on the remote and in the cache, and leaves it there", () => {
  const repository = makeRepository();
  const remote = makeFolder("in-the-way");
  repository.expver(["data", "init"]);
  repository.expver(["data", "remote", "add", "-d", "store", remote]);
  repository.write("f", "text");
  expect(repository.expver(["data", "add", "f"]).code).toBe(0);
  const shard = `files/md5/${/md5: (..)/.exec(repository.read("f.dvc"))?.[1]}`;
  const put = (folder: string) => {
    const path = join(folder, shard);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "somebody's");
    return path;
  };
  const said = (path: string) => ({ code: "E_IO", hint: expect.stringContaining(`${path} is in the way, where a folder belongs`) });
  const there = put(remote);
  expect(repository.expverJson(["data", "push"])).toMatchObject({ error: said(there) });
  expect(repository.expver(["data", "status", "-c"]).stderr).toContain(`${there} is in the way`);
  rmSync(join(repository.root, ".dvc/cache"), { recursive: true });
  expect(repository.expverJson(["data", "fetch"])).toMatchObject({ error: said(there) });
  rmSync(there);
  const here = put(join(repository.root, ".dvc/cache"));
  repository.write("f", "text");
  expect(repository.expverJson(["data", "commit", "-f", "f"])).toMatchObject({ error: said(here) });
  expect(readFileSync(here, "utf8")).toBe("somebody's");
  rmSync(here);
  expect(repository.expver(["data", "commit", "-f", "f"]).code).toBe(0);
  expect(repository.expver(["data", "push"]).code).toBe(0);
});

const dvc = peer("dvc");
it.skipIf(dvc === null)("shares a folder with real dvc, both ways", () => {
  sharesWithDvc(dvc ?? "", { url: makeFolder("shared") });
});

conformance("folder", () => {
  const base = makeFolder("remotes");
  return {
    site(name) {
      const dir = join(base, name);
      mkdirSync(dirname(dir), { recursive: true });
      return folderSite(dir, { url: dir });
    },
    stop() {},
  };
});
