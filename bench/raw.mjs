/**
 * The file operations that a data command cannot do without, and nothing else: no journal, no lock, no sync, no temporary names, no
 * checks, no memory of hashes. `node raw.mjs VERB DATA STORE [link] [safe]`; each verb leaves what the next one reads. With `safe` what is
 * copied is hashed on its way, and what a store is given is on the disk at the end.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";

const [verb, data, store, ...flags] = process.argv.slice(2);
const isSafe = flags.includes("safe");
const links = flags.includes("link");
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
const made = new Set();
const verbs = { add, status, checkout, push };
verbs[verb]();
if (isSafe && verb !== "checkout" && !isTmpfs(store)) must(["sync", "-f", verb === "push" ? `${store}-remote` : store]);

function add() {
  const entries = [];
  for (const relpath of walk(data, "")) {
    const md5 = addFile(`${data}/${relpath}`);
    entries.push({ md5, relpath });
  }
  writeFileSync(`${store}/listing`, JSON.stringify(entries));
}

function addFile(path) {
  const bytes = read(path);
  if (bytes === null) return addLarge(path);
  const md5 = createHash("md5").update(bytes).digest("hex");
  folder(`${store}/${md5.slice(0, 2)}`);
  if (links) linkSync(path, objectOf(store, md5));
  else writeNew(objectOf(store, md5), bytes, 0o644);
  return md5;
}

/** Hashed while it is copied: its name is known at the end. */
function addLarge(path) {
  const hash = createHash("md5");
  const to = links ? null : openSync(`${store}/unnamed`, "wx", 0o644);
  stream(path, (chunk) => {
    hash.update(chunk);
    if (to !== null) writeSync(to, chunk);
  });
  const md5 = hash.digest("hex");
  folder(`${store}/${md5.slice(0, 2)}`);
  if (to === null) linkSync(path, objectOf(store, md5));
  else {
    closeSync(to);
    renameSync(`${store}/unnamed`, objectOf(store, md5));
  }
  return md5;
}

/** Nothing has changed: every file, and every object, is looked at once. */
function status() {
  const objects = new Map(listing().map(({ md5, relpath }) => [relpath, objectOf(store, md5)]));
  for (const relpath of walk(data, "")) {
    lstatSync(`${data}/${relpath}`);
    lstatSync(objects.get(relpath));
  }
}

function checkout() {
  for (const { md5, relpath } of listing()) {
    const path = `${data}/${relpath}`;
    folder(path.slice(0, path.lastIndexOf("/")));
    const from = objectOf(store, md5);
    if (links) linkSync(from, path);
    else copy(from, path, { mode: 0o644, md5 });
  }
}

function push() {
  for (const { md5 } of listing()) {
    folder(`${store}-remote/${md5.slice(0, 2)}`);
    copy(objectOf(store, md5), objectOf(`${store}-remote`, md5), { mode: 0o444, md5 });
  }
}

function copy(from, to, { mode, md5 }) {
  const hash = isSafe ? createHash("md5") : null;
  const bytes = read(from);
  if (bytes !== null) {
    hash?.update(bytes);
    writeNew(to, bytes, mode);
  } else {
    const descriptor = openSync(to, "wx", mode);
    stream(from, (chunk) => {
      hash?.update(chunk);
      writeSync(descriptor, chunk);
    });
    closeSync(descriptor);
  }
  if (hash !== null && hash.digest("hex") !== md5) throw new Error(`${from} is damaged`);
}

function isTmpfs(path) {
  return statfsSync(path).type === 0x01021994;
}

function must([program, ...args]) {
  if (spawnSync(program, args).status !== 0) throw new Error(`${program} failed`);
}

function* walk(absolute, inside) {
  for (const item of readdirSync(absolute, { withFileTypes: true })) {
    if (item.isDirectory()) yield* walk(`${absolute}/${item.name}`, `${inside}${item.name}/`);
    else yield inside + item.name;
  }
}

/** Null for a large file. */
function read(path) {
  const descriptor = openSync(path, "r");
  const count = readSync(descriptor, buffer, 0, buffer.length, null);
  closeSync(descriptor);
  return count < buffer.length ? buffer.subarray(0, count) : null;
}

function stream(path, use) {
  const descriptor = openSync(path, "r");
  for (;;) {
    const count = readSync(descriptor, buffer, 0, buffer.length, null);
    if (count === 0) break;
    use(buffer.subarray(0, count));
  }
  closeSync(descriptor);
}

function writeNew(path, bytes, mode) {
  const descriptor = openSync(path, "wx", mode);
  writeSync(descriptor, bytes);
  closeSync(descriptor);
}

function folder(path) {
  if (made.has(path)) return;
  made.add(path);
  mkdirSync(path, { recursive: true });
}

function listing() {
  return JSON.parse(readFileSync(`${store}/listing`, "utf8"));
}

function objectOf(folder, md5) {
  return `${folder}/${md5.slice(0, 2)}/${md5.slice(2)}`;
}
