/**
 * Runs command lines of the built program one after another in this process: to start Node anew costs more than most commands take.
 * What the program keeps in memory it keeps for one of them only, since each time it is loaded anew; and each ends where its own process
 * would: when nothing is left to wait for.
 *
 * Requests {"argv", "cwd", "env"} come on descriptor 3, answers {"code", "stdout", "stderr", "isLast"} leave on 4: length (4 bytes), JSON.
 */
const { readSync, writeSync } = require("node:fs");
const { setFlagsFromString } = require("node:v8");
const { runInNewContext } = require("node:vm");
const threads = require("node:worker_threads");

const [, , MAIN] = process.argv;
const [REQUESTS, ANSWERS] = [3, 4];
/** It goes then, and the next request gets another: the more a process has in memory, the longer it takes it to start Git. */
const MOST_MEMORY = 150 * 2 ** 20;

const emitters = [process, process.stdout, process.stderr];
const reallyExit = process.reallyExit.bind(process);
const running = new Set();
let output = { stdout: [], stderr: [] };
let isOver = true;
let isCollected = false;
let isEnding = false;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

for (const name of ["stdout", "stderr"]) {
  process[name].write = (chunk, encoding, done = encoding) => {
    output[name].push(
      typeof chunk === "string" ? Buffer.from(chunk, typeof encoding === "string" ? encoding : "utf8") : Buffer.from(chunk),
    );
    if (typeof done === "function") process.nextTick(done);
    return true;
  };
}
threads.Worker = class extends threads.Worker {
  constructor(...given) {
    super(...given);
    running.add(this);
    this.once("exit", () => running.delete(this));
  }
};
process.exit = (code) => {
  // The program's own way out when nothing is left to wait for.
  if (isEnding) return;
  if (code !== undefined) process.exitCode = code;
  // In the middle of something, which must not go on.
  answer(true);
  reallyExit(0);
};
process.on("beforeExit", () => {
  isEnding = true;
  setImmediate(next);
});

function next() {
  isEnding = false;
  if (running.size > 0) {
    for (const worker of running) {
      worker.ref();
      void worker.terminate();
    }
    return;
  }
  if (!isCollected) {
    // A driver of SQLite lets go of the files of a closed database when its object is collected, a turn later.
    isCollected = true;
    if (hasDriver()) collect();
    return;
  }
  const isFull = process.memoryUsage.rss() > MOST_MEMORY;
  if (!isOver) answer(isFull);
  if (isFull) reallyExit(0);
  start(read());
}

const listeners = emitters.map((emitter) => new Map(emitter.eventNames().map((name) => [name, emitter.rawListeners(name)])));

function start({ argv, cwd, env }) {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [process.execPath, MAIN, ...argv];
  process.exitCode = undefined;
  output = { stdout: [], stderr: [] };
  isOver = false;
  isCollected = false;
  delete require.cache[MAIN];
  module.children.length = 0;
  require(MAIN);
}

/** `isLast`: this process takes no more requests. */
function answer(isLast) {
  for (const listener of process.listeners("exit")) listener.call(process, process.exitCode ?? 0);
  isOver = true;
  for (const [index, emitter] of emitters.entries()) {
    for (const name of emitter.eventNames()) {
      for (const listener of emitter.rawListeners(name)) {
        if (!listeners[index].get(name)?.includes(listener)) emitter.removeListener(name, listener);
      }
    }
  }
  // The folder may go away now.
  process.chdir("/");
  const [stdout, stderr] = [output.stdout, output.stderr].map((pieces) => Buffer.concat(pieces).toString());
  const text = Buffer.from(JSON.stringify({ code: process.exitCode ?? 0, stdout, stderr, isLast }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const bytes = Buffer.concat([length, text]);
  for (let at = 0; at < bytes.length; ) at += writeSync(ANSWERS, bytes, at, bytes.length - at);
}

function hasDriver() {
  return Object.keys(require.cache).some((path) => path.includes("sqlite"));
}

function read() {
  const length = Buffer.alloc(4);
  fill(length);
  const text = Buffer.alloc(length.readUInt32LE());
  fill(text);
  return JSON.parse(text.toString());
}

function fill(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(REQUESTS, bytes, at, bytes.length - at, null);
    if (count === 0) reallyExit(0);
    at += count;
  }
}
