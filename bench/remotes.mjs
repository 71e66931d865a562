/** Transfers to and from servers that run here: expver and real dvc side by side. The servers are those of the tests. See docs/benchmarks.md. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { least, measure, must, options, printTable, ratio } from "./measure.mjs";
import { MAIN, makeFiles } from "./repository.mjs";

const {
  files,
  bytes,
  large,
  largeBytes,
  rounds,
  only,
  on,
  delay,
  dvc: dvcRounds,
} = options({ files: 1000, bytes: 2000, large: 4, largeBytes: 2 ** 26, rounds: 2, only: "", on: "/dev/shm", delay: 0, dvc: 1 });
const DVC = resolve(process.env.EXPVER_PEERS ?? ".venv-peers", "bin/dvc");

const base = mkdtempSync(join(on === "tmp" ? tmpdir() : on, "expver-bench-"));
try {
  makeFiles(join(base, "small"), { files, bytes });
  makeFiles(join(base, "large"), { files: large, bytes: largeBytes });
  const servers = await serversOfTests();
  for (const [name, start] of Object.entries(kindsOf(servers))) {
    if (only !== "" && !only.split(",").includes(name)) continue;
    const server = await farAway(await start());
    try {
      for (const tree of ["small", "large"]) table(name, tree, server);
    } finally {
      await server.stop();
    }
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
// Servers that are told to stop only when this process ends.
process.exit();

/** The modules that start them, as tests import them. */
async function serversOfTests() {
  const names = ["azurite", "fake-gcs", "nginx", "seaweed", "sshd"];
  const outfile = join(base, "servers.mjs");
  const noRunner = {
    name: "no-runner",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^vitest$/ }, () => ({ path: "none", namespace: "none" }));
      onLoad({ filter: /./, namespace: "none" }, () => ({ contents: "export const afterAll = (work) => process.once('exit', work);" }));
    },
  };
  await build({
    stdin: {
      contents: names.map((name) => `export * from "./test/support/servers/${name}.ts";`).join("\n"),
      resolveDir: join(import.meta.dirname, ".."),
    },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    plugins: [noRunner],
    external: ["@photostructure/sqlite"],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: "warning",
  });
  return import(pathToFileURL(outfile).href);
}

/** By kind: starts a server, and says how a folder of its own on it is reached. */
function kindsOf(servers) {
  return {
    async s3() {
      const server = await servers.startSeaweed();
      await server.makeBucket("bench");
      return { at: (name) => `s3://bench/${name}`, settings: { endpointurl: server.url, ...servers.keysOf("all") }, stop: server.stop };
    },
    async azure() {
      const server = await servers.startAzurite();
      await server.makeContainer("bench");
      return { at: (name) => `azure://bench/${name}`, settings: { connection_string: server.connectionString }, stop: server.stop };
    },
    async gs() {
      const server = await servers.startFakeGcs();
      await server.makeBucket("bench");
      const settings = { endpointurl: server.url, allow_anonymous_login: "true" };
      return { at: (name) => `gs://bench/${name}`, settings, env: { GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: "false" }, stop: server.stop };
    },
    async ssh() {
      const { user, port, root, key, path, usual, configure, stop } = await servers.startSshd();
      configure(`${usual}  StrictHostKeyChecking no\n`);
      const at = (name) => {
        mkdirSync(join(root, name), { recursive: true });
        return `ssh://${user}@127.0.0.1:${port}${root}/${name}`;
      };
      return { at, settings: { keyfile: key }, env: { PATH: path }, stop };
    },
    http: () => nginx("http", { method: "PUT" }),
    webdav: () => nginx("webdav", {}),
  };

  async function nginx(kind, settings) {
    const { url, root, stop } = await servers.startNginx();
    const at = (name) => {
      mkdirSync(join(root, "open", name), { recursive: true });
      return `${url.replace("http", kind)}/open/${name}`;
    };
    return { at, settings, stop };
  }
}

/** The same server, with so many milliseconds on the way there, and on the way back. */
async function farAway(server) {
  if (delay === 0) return server;
  const ports = new Map();
  for (const text of [server.at("x"), ...Object.values(server.settings)])
    for (const [, port] of text.matchAll(/127\.0\.0\.1:([0-9]+)/g)) if (!ports.has(port)) ports.set(port, await slowWayTo(Number(port)));
  const moved = (text) => text.replace(/(127\.0\.0\.1:)([0-9]+)/g, (_, host, port) => host + ports.get(port));
  const settings = Object.fromEntries(Object.entries(server.settings).map(([key, value]) => [key, moved(value)]));
  return { ...server, at: (name) => moved(server.at(name)), settings };
}

/** Answers the port that leads there. In a thread of its own: this one waits for programs. */
function slowWayTo(port) {
  const worker = new Worker(join(import.meta.dirname, "slow-way.mjs"), { workerData: { port, delay } });
  return new Promise((resolve) => worker.once("message", resolve));
}

function table(kind, tree, server) {
  const tools = [
    { name: "expver", call: (...args) => ({ program: process.execPath, args: [MAIN, "data", ...args] }), rounds },
    { name: "dvc", call: (...args) => ({ program: DVC, args }), rounds: dvcRounds },
  ].filter(({ rounds }) => rounds > 0);
  const times = new Map();
  for (let round = 0; round < rounds; round += 1) {
    const playing = tools.filter((tool) => round < tool.rounds).map((tool) => ({ ...tool, cases: casesOf(tool, { round, tree, server }) }));
    for (const title of Object.keys(playing[0].cases)) {
      const measured = measure(
        playing.map(({ name, cases }) => ({ name, ...cases[title] })),
        1,
      );
      for (const { name } of playing) {
        const known = times.get(title) ?? Object.fromEntries(tools.map((tool) => [tool.name, []]));
        known[name].push(...measured.get(name));
        times.set(title, known);
      }
    }
  }
  const what = tree === "small" ? `${files} files of ${bytes} bytes` : `${large} files of ${largeBytes / 2 ** 20} MiB`;
  console.log(`\n${kind}, ${what}; least seconds of ${rounds} rounds (dvc: ${dvcRounds})`);
  printTable([
    ["", "expver", "dvc", "dvc / expver"],
    ...[...times].map(([title, { expver, dvc = [] }]) => [
      title,
      (least(expver) / 1000).toFixed(2),
      dvc.length === 0 ? "-" : (least(dvc) / 1000).toFixed(2),
      dvc.length === 0 ? "-" : ratio(least(dvc), least(expver)),
    ]),
  ]);
}

/** In a repository and a folder on the server of its own. */
function casesOf({ name, call }, { round, tree, server }) {
  const cwd = join(base, `${name}-${tree}`);
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd);
  const env = { ...process.env, DVC_NO_ANALYTICS: "1", DVC_SITE_CACHE_DIR: join(cwd, ".dvc/site"), ...server.env };
  const one = (...args) => ({ cwd, env, ...call(...args) });
  const run = (...args) => must(one(...args).program, one(...args).args, { cwd, env });
  must("git", ["init", "-q"], { cwd });
  run("init");
  const options = Object.entries({ url: server.at(`${name}-${tree}-${round}`), ...server.settings });
  const lines = options.map(([key, value]) => `    ${key} = ${value}\n`).join("");
  writeFileSync(join(cwd, ".dvc/config"), `[core]\n    remote = store\n['remote "store"']\n${lines}`);
  must("cp", ["-a", join(base, tree), join(cwd, "data")]);
  run("add", "data");
  const without =
    (...paths) =>
    () => {
      for (const path of paths) rmSync(join(cwd, path), { recursive: true, force: true });
    };
  return {
    push: one("push"),
    "push, nothing to do": one("push"),
    "status --cloud": one("status", "--cloud"),
    fetch: { ...one("fetch"), before: without(".dvc/cache") },
    pull: { ...one("pull"), before: without(".dvc/cache", "data") },
    // HTTP by itself lists nothing.
    ...(server.at("x").startsWith("http") ? {} : { "gc -w -c": one("gc", "-w", "-c", "-f") }),
  };
}
