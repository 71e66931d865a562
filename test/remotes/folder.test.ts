import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../support/repository.ts";
import { conformance, folderSite } from "./conformance.ts";

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
