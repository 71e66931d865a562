/** Asks a command server, which it starts when there is none, and wakes who waits: see `command-line.ts`. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { workerData } from "node:worker_threads";

const { port, flag, main } = workerData;
let server = null;

port.on("message", async (request) => {
  port.postMessage(await ask(request));
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});

function ask(request) {
  server ??= start();
  const text = Buffer.from(JSON.stringify(request));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return new Promise((done) => {
    server.done = done;
    server.requests.write(Buffer.concat([length, text]));
  });
}

function start() {
  const program = join(import.meta.dirname, "command-server.cjs");
  const child = spawn(process.execPath, [program, main], { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"] });
  const [, , , requests, answers] = child.stdio;
  const started = { requests, done: null };
  // It goes while it is written to, or by itself.
  requests.on("error", () => {});
  let bytes = Buffer.alloc(0);
  answers.on("data", (more) => {
    bytes = Buffer.concat([bytes, more]);
    const end = bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt32LE();
    if (bytes.length < end) return;
    const { isLast, ...answer } = JSON.parse(bytes.toString("utf8", 4, end));
    bytes = bytes.subarray(end);
    if (isLast) server = null;
    tell(answer);
  });
  child.on("close", () => {
    if (server === started) server = null;
    tell(null);
  });
  const tell = (answer) => {
    const { done } = started;
    started.done = null;
    done?.(answer);
  };
  return started;
}
