/** Reading many versions: `list`, `show`, `diff`, `models list`, with a large results database and worktrees. See docs/benchmarks.md. */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { least, measure, median, milliseconds, must, options, printTable } from "./measure.mjs";
import { DatabaseSync } from "./sqlite.mjs";

const { tags, rows, columns, worktrees, rounds, clock } = options({
  tags: 2000,
  rows: 50_000,
  columns: 8,
  worktrees: 0,
  rounds: 7,
  clock: "wall",
});
const MAIN = join(import.meta.dirname, "../dist/main.cjs");
const cwd = mkdtempSync(join(tmpdir(), "expver-bench-"));
try {
  must("git", ["init", "-q", "-b", "main"], { cwd });
  makeDatabase(join(cwd, "results"));
  must("git", ["fast-import", "--quiet"], { cwd, input: versions(storeDatabase()) });
  must("git", ["reset", "-q", "--hard"], { cwd });
  must("git", ["pack-refs", "--all"], { cwd });
  makeWorktrees();
  const expver = (...args) => ({ name: `expver ${args.join(" ")}`, program: process.execPath, args: [MAIN, ...args], cwd, clock });
  const git = { name: "git tag --format=%(contents)", program: "git", args: ["tag", "--format=%(contents)"], cwd, clock };
  const cases = [
    { name: "node -e 0", program: process.execPath, args: ["-e", "0"], clock },
    git,
    expver("list"),
    expver("list", "--json"),
    expver("list", "--sort", "loss", "-n", "10"),
    expver("list", "--where", "accuracy > 0.9 and model ~ logreg"),
    expver("list", "--group-by", "all but seed"),
    expver("show", `e0.${tags}.0`),
    expver("diff", "e0.1.0", `e0.${tags}.0`),
    expver("diff", `e0.${tags}.0`, "now"),
    expver("models", "list"),
    expver("runs", "list"),
  ];
  measure(cases, 1); // fills the compile cache
  const times = measure(cases, rounds);
  console.log(`${tags} tags, ${rows} rows, ${columns} columns, ${worktrees} worktrees, ${clock} time`);
  printTable([
    ["", "min ms", "median ms"],
    ...[...times].map(([name, some]) => [name, milliseconds(least(some)), milliseconds(median(some))]),
  ]);
} finally {
  rmSync(cwd, { recursive: true, force: true });
}

/** One commit and one annotated tag for each version, as a stream for fast-import. */
function versions(pointer) {
  const parts = [];
  const put = (path, text) => `M 100644 inline ${path}\n${data(text)}`;
  const data = (text) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const files =
    put("expver.yaml", "metrics: { accuracy: max, loss: min }\n") +
    put("results/experiments.db.dvc", pointer) +
    put(".gitignore", "/results/experiments.db\n");
  const filesOf = { 1: files + put("uv.lock", lockFile(1)), [tags]: put("uv.lock", lockFile(2)) };
  for (let index = 1; index <= tags; index += 1) {
    const who = `Ada <ada@example.com> ${1_700_000_000 + index} +0000`;
    const file = filesOf[index] ?? "";
    parts.push(`commit refs/heads/main\nmark :${index}\ncommitter ${who}\n${data(`e0.${index}.0`)}${file}`);
    const accuracy = `0.${String((index * 7919) % 10_000).padStart(4, "0")}`;
    const text = [
      `model=logreg | lr=0.${index} | accuracy=${accuracy} | data=3a2f1b | version ${index}`,
      "",
      "Kind: run",
      `Run: quiet-otter-${String(index).padStart(4, "0")} lr=0.${index}`,
      ...(index === 1 || index === tags ? [] : [`Code: ${"0".repeat(40)}`]),
      `Data-Hash: ${"3a2f1b00".repeat(4)}`,
      `Data: ${"3a2f1b00".repeat(4)} 1048576 data/train.csv`,
      `Model: ${"00ff00ff".repeat(4)} 4096 models/model.json`,
      `Param: lr=0.${index}`,
      "Param: model=logreg",
      `Param: seed=${index % 5}`,
      `Metric: accuracy=${accuracy} max`,
      `Metric: loss=${1 / index} min`,
      "",
    ].join("\n");
    parts.push(`tag e0.${index}.0\nfrom :${index}\ntagger ${who}\n${data(text)}`);
  }
  return parts.join("");
}

function makeDatabase(folder) {
  mkdirSync(folder);
  const db = new DatabaseSync(join(folder, "experiments.db"));
  const more = Array.from({ length: Math.max(0, columns - 8) }, (_, index) => `metric_${index}`);
  const digests = [1, 2].map((version) => createHash("sha256").update(lockFile(version)).digest("hex").slice(0, 12));
  db.exec(`
    BEGIN;
    CREATE TABLE "predictions" (track_id TEXT, timestamp TEXT, epoch INTEGER, loss REAL, accuracy REAL, version TEXT, git_commit TEXT,
      dvc_hash TEXT, ${more.map((name) => `${name} REAL, `).join("")}PRIMARY KEY (track_id, timestamp));
    CREATE TABLE expver_runs (run_id TEXT PRIMARY KEY, version TEXT, status TEXT, command TEXT, params TEXT, metrics TEXT, start TEXT, environment TEXT);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${rows})
      INSERT INTO predictions SELECT 'track-' || (i / 25), printf('2026-01-01 00:00:%09d', i), i % 25, 1.0 / (i + 1), 0.5,
      'e0.' || (i / 25 + 1) || '.0', '${"0".repeat(40)}', '${"3a2f1b00".repeat(4)}'${more.map(() => ", 0.5").join("")} FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${tags})
      INSERT INTO expver_runs SELECT printf('quiet-otter-%04d', i), 'e0.' || i || '.0', 'finished', 'train', '{"lr":"0.1"}',
      '{"accuracy":"0.5"}', '2026-01-01T00:00:00Z', CASE WHEN i IN (1, ${tags}) THEN '{"locks":{"uv.lock":"' || iif(i = 1, '${digests[0]}', '${digests[1]}') || '"}}' END FROM n;
    COMMIT`);
  db.close();
}

/** As an object with a pointer, so that versions have their runs. */
function storeDatabase() {
  const file = join(cwd, "results/experiments.db");
  const md5 = must("md5sum", [file], { cwd }).toString().slice(0, 32);
  const folder = join(cwd, ".dvc/cache/files/md5", md5.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(cwd, ".dvc/config"), "");
  copyFileSync(file, join(folder, md5.slice(2)));
  chmodSync(join(folder, md5.slice(2)), 0o444);
  return `outs:\n- md5: ${md5}\n  size: ${statSync(file).size}\n  hash: md5\n  path: experiments.db\n`;
}

/** Five hundred packages, all of another version. */
function lockFile(version) {
  return Array.from({ length: 500 }, (_, index) => `[[package]]\nname = "package-${index}"\nversion = "${version}.${index}"\n`).join("\n");
}

/** Beside the repository, as `expver worktree create` puts them; without files, which no reading command looks at. */
function makeWorktrees() {
  for (let index = 0; index < worktrees; index += 1) {
    must("git", ["worktree", "add", "-q", "--no-checkout", "-b", `exp/w${index}`, join(cwd, `.w/exp-w${index}`), "HEAD"], { cwd });
  }
}
