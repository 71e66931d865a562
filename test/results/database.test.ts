/** Opening the results databases of many versions, one after the other. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { openResults, withStoredResults } from "../../src/results/database.ts";
import { makeFolder } from "../support/repository.ts";

it("what was read of one is in memory no longer once it is closed", () => {
  const file = join(makeFolder("results"), "experiments.db");
  const db = openResults(file, { create: true });
  db.exec(
    "CREATE TABLE texts (text TEXT); WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO texts SELECT printf('%0500d', i) FROM n",
  );
  db.close();
  const read = () => withStoredResults(file, (one) => one.arrays("SELECT total(text LIKE '%7') FROM texts"));
  read();
  const before = process.memoryUsage.rss();
  for (let count = 0; count < 100; count += 1) read();
  // Two megabytes each.
  expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000);
});
