/** Ctrl-C after the program has ended, while what it wrote is stored. */
import { expect, it } from "vitest";
import { runInterrupted } from "../support/interrupt-at.ts";
import { checkWhole, makeExperiment, runRows } from "./story.ts";

it("is heard, and the next command closes the run with its version", () => {
  const repo = makeExperiment();
  repo.write(
    "train.js",
    `const fs = require("fs");
    for (let i = 0; i < 300; i += 1) { fs.mkdirSync("models/parts/" + i, { recursive: true }); fs.writeFileSync("models/parts/" + i + "/x", "part " + i); }`,
  );
  repo.commit("many parts");
  const head = repo.git("rev-parse", "HEAD");
  const stopped = runInterrupted(repo, ["run", "-m", "parts", "--", "node", "train.js"], { at: 5, text: "/.dvc/cache/" });
  expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining("expver doctor --fix") });
  expect([repo.git("tag"), repo.git("rev-parse", "HEAD"), repo.read("models/parts/299/x")]).toEqual(["", head, "part 299"]);
  expect(repo.expver(["doctor", "--fix"]).stdout).toContain("had finished: it is e0.1.0 now");
  checkWhole(repo, head, "repaired");
  expect(runRows(repo)).toMatchObject([{ version: "e0.1.0", status: "finished" }]);
});
