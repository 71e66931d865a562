import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeFolder } from "../support/repository.ts";
import { checkOf } from "./check-of.ts";
import { conformance, folderSite } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";

it("check says what may be done in a folder", async () => {
  const { states, exitCode } = await checkOf({ url: makeFolder("checked") });
  expect([states, exitCode]).toEqual(["put ok, head ok, list not offered, get ok, multipart not offered, delete ok", 0]);
  expect((await checkOf({ url: "/etc/hostname/below-a-file" })).probes[0]).toMatchObject({ state: "failed", needs: "" });
});

const dvc = peer("dvc");
it.skipIf(dvc === null)("shares a folder with real dvc, both ways", { timeout: 120_000 }, () => {
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
