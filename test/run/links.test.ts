/** Outputs that Git tracks and that are symbolic links. */
import { readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeExperiment, TRAIN } from "./story.ts";

const RELINK = `
${TRAIN}
fs.writeFileSync("reports/b.json", "{}");
fs.unlinkSync("reports/latest.json");
fs.symlinkSync("b.json", "reports/latest.json");
fs.unlinkSync("reports/other.json");
fs.writeFileSync("reports/other.json", "[]");
`;

it("stay links in the results commit, leading where the program made them lead; one that became a file is one", () => {
  const repo = makeExperiment();
  repo.write("reports/a.json", "{}");
  for (const name of ["latest", "other"]) symlinkSync("a.json", join(repo.root, `reports/${name}.json`));
  repo.commit("reports", { "train.js": RELINK });
  const { code, data } = repo.expverJson(["run", "--", "node", "train.js"]);
  expect({ code, onBranch: data.onBranch }).toEqual({ code: 0, onBranch: true });
  expect(repo.git("ls-tree", "e0.1.0", "reports/latest.json", "reports/other.json")).toMatch(
    /^120000 blob \w+\treports\/latest\.json\n100644 blob \w+\treports\/other\.json$/,
  );
  expect(repo.git("cat-file", "blob", "e0.1.0:reports/latest.json")).toBe("b.json");
  expect(repo.git("cat-file", "blob", "e0.1.0:reports/other.json")).toBe("[]");
  expect(repo.git("status", "--porcelain", "--", "reports/latest.json", "reports/other.json")).toBe("");
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(readlinkSync(join(repo.root, "reports/latest.json"))).toBe("a.json");
});
