import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { finishWork } from "../../src/platform/pace.ts";
import { beginIngest } from "../../src/store/objects/ingest.ts";
import { trustedSize } from "../../src/store/objects/layout.ts";
import { makeFolder } from "../support/repository.ts";
import { manyOf } from "../support/stores.ts";

it("keeps files that wait apart from shards that wait, whatever both are called", () => {
  const folder = makeFolder("ingest");
  mkdirSync(join(folder, "from"));
  const ingest = beginIngest({ dir: join(folder, "cache"), shared: false });
  // Enough small objects for every shard, then more large ones than there are shards with two decimal digits.
  const small = Array.from({ length: 3000 }, (_, index) => {
    const path = join(folder, "from", `small-${index}`);
    writeFileSync(path, `small ${index}`);
    return { path, size: `small ${index}`.length };
  });
  finishWork(ingest.many(manyOf(small)));
  const hashes = Array.from({ length: 120 }, (_, index) => {
    const path = join(folder, "from", String(index));
    writeFileSync(path, `large ${index}`);
    return finishWork(ingest.file(path)).md5;
  });
  expect(ingest.commit().objects).toBe(3120);
  for (const hash of hashes) expect(trustedSize(join(folder, "cache"), { hash, hashName: "md5" })).not.toBeNull();
});
