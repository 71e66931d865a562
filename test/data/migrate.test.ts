import { cpSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkedObjects } from "../support/stores.ts";
import { DVC, makeTwins } from "../support/twins.ts";

describe.skipIf(DVC === null)("as dvc does it", { timeout: 120_000 }, () => {
  it("stores what DVC 2 left, once", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const [path, text] of Object.entries({ a: "1\n", "d/x": "2\n", "d/y": "3\n" })) write(path, text);
    });
    twins.run(["add", "-q", "a", "d"]);
    // DVC 2 had them one level higher; without CRLF the names are the same.
    twins.each(({ root }) => {
      const cache = join(root, ".dvc/cache");
      cpSync(join(cache, "files/md5"), cache, { recursive: true });
      renameSync(join(cache, "files"), join(root, "../files"));
      mkdirSync(join(cache, "files"));
    });
    twins.each(({ run }) => run("chmod", ["-R", "a-w,u+X", ".dvc/cache"]));
    twins.each(({ run }) => run("sh", ["-c", "find .dvc/cache -type d -exec chmod u+w {} +"]));
    twins.same(["cache", "migrate", "--dry"]);
    twins.agree();
    twins.same(["cache", "migrate"]);
    twins.agree();
    expect(checkedObjects(join(twins.ours.root, ".dvc/cache"))).toHaveLength(4);
    twins.same(["cache", "migrate"]);
    twins.agree();
  });
});
