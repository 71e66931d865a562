// Builds, checks, runs every test, and closes with one plain line of figures. `--only-tests [FOLDER…]`: what is there is built and
// checked; with folders, only the tests in them.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [only, ...folders] = process.argv.slice(2);
if (only !== "--only-tests") {
  step("npm", ["run", "--silent", "build"]);
  step("npm", ["run", "--silent", "check"]);
  // Real dvc and xetrack, where PyPI can be reached; without them their tests are skipped, except in the gate.
  spawnSync("bash", ["scripts/peers.sh"], { stdio: "inherit" });
}
const report = join(tmpdir(), `expver-tests-${process.pid}.json`);
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const tests = spawnSync("npx", ["vitest", "run", ...reporters, ...folders], { stdio: "inherit" });
const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
rmSync(report, { force: true });
// A file that fails before its first test has no failed test.
const broken = testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.every((one) => one.status !== "failed"),
);
const where = `on Node ${process.version}${folders.length > 0 ? ` (${folders.join(" ")})` : ""}`;
console.log(`${numPassedTests} passed, ${numFailedTests + broken.length} failed, ${numPendingTests} skipped ${where}`);
process.exitCode = tests.status === 0 && numPassedTests > 0 ? 0 : 1;

function step(program, args) {
  const { status } = spawnSync(program, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
