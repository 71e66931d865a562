/**
 * The file operations that a data command cannot do without, and nothing else: no journal, no lock, no sync, no temporary names, no
 * checks, no memory of hashes. `node raw.mjs VERB DATA STORE [link] [safe]`; each verb leaves what the next one reads (`STORE/listing`, and
 * `STORE-remote`). With `safe` what is copied is hashed on its way, and what a store is given is on the disk at the end.
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
  rmdirSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";

const [verb, data, store, ...flags] = process.argv.slice(2);
const isSafe = flags.includes("safe");
const links = flags.includes("link");
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
const made = new Set();
const remote = `${store}-remote`;
const verbs = {
  add,
  status,
  readChanged,
  storeChanged,
  checkout,
  push,
  fetch,
  pull,
  present,
  compare,
  replace,
  collect,
  list,
  copyTree,
  importUrl,
  look,
  move,
  remove,
};
verbs[verb]();
const written = { add: store, storeChanged: store, fetch: store, pull: store, importUrl: store, push: remote }[verb];
if (isSafe && written !== undefined && !isTmpfs(written)) must(["sync", "-f", written]);

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

/** Every file is looked at once, and so are their objects; what was written since then is read. */
function readChanged(use = (path) => hashOf(path)) {
  const objects = new Map(listing().map(({ md5, relpath }) => [relpath, objectOf(store, md5)]));
  const since = lstatSync(`${store}/listing-since`).mtimeMs;
  for (const relpath of walk(data, "")) {
    if (lstatSync(`${data}/${relpath}`).mtimeMs > since) use(`${data}/${relpath}`);
    else lstatSync(objects.get(relpath));
  }
}

function storeChanged() {
  readChanged(addFile);
}

function hashOf(path) {
  const hash = createHash("md5");
  stream(path, (chunk) => hash.update(chunk));
  return hash.digest("hex");
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
  transfer(store, remote);
}

function fetch() {
  transfer(remote, store);
}

function transfer(from, to) {
  for (const { md5 } of listing()) {
    folder(`${to}/${md5.slice(0, 2)}`);
    copy(objectOf(from, md5), objectOf(to, md5), { mode: 0o444, md5 });
  }
}

function pull() {
  fetch();
  checkout();
}

/** What a remote has, and what of it is here. */
function present() {
  const there = new Set(walk(remote, ""));
  const lacking = listing().filter(({ md5 }) => !there.has(objectOf("", md5).slice(1)) && lstatSync(objectOf(store, md5)));
  if (lacking.length > 0) throw new Error(`the remote lacks ${lacking.length}`);
}

/** Of two listings. */
function compare() {
  const before = new Map(JSON.parse(readFileSync(`${store}/listing-before`, "utf8")).map(({ md5, relpath }) => [relpath, md5]));
  console.log(JSON.stringify(listing().filter(({ md5, relpath }) => before.get(relpath) !== md5)));
}

/** Every file by another one. */
function replace() {
  for (const { md5, relpath } of listing()) {
    const path = `${data}/${relpath}`;
    unlinkSync(path);
    if (links) linkSync(objectOf(store, md5), path);
    else copy(objectOf(store, md5), path, { mode: 0o644, md5 });
  }
}

/** What no listing names goes. */
function collect() {
  const named = new Set(listing().map(({ md5 }) => objectOf("", md5).slice(1)));
  for (const path of walk(store, "")) if (!named.has(path) && !path.startsWith("listing")) unlinkSync(`${store}/${path}`);
}

function list() {
  console.log(JSON.stringify(listing().map(({ relpath }) => relpath)));
}

function copyTree() {
  copyAll(data, store);
}

function copyAll(from, to) {
  for (const relpath of walk(from, "")) {
    folder(`${to}/${relpath}`.slice(0, `${to}/${relpath}`.lastIndexOf("/")));
    copy(`${from}/${relpath}`, `${to}/${relpath}`, { mode: 0o644 });
  }
}

function importUrl() {
  copyAll(data, `${data}-imported`);
  for (const relpath of walk(`${data}-imported`, "")) addFile(`${data}-imported/${relpath}`);
}

function look() {
  for (const relpath of walk(data, "")) lstatSync(`${data}/${relpath}`);
}

function move() {
  renameSync(data, `${data}-moved`);
}

function remove(place = data) {
  for (const item of readdirSync(place, { withFileTypes: true })) {
    if (item.isDirectory()) remove(`${place}/${item.name}`);
    else unlinkSync(`${place}/${item.name}`);
  }
  rmdirSync(place);
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
  if (md5 !== undefined && hash !== null && hash.digest("hex") !== md5) throw new Error(`${from} is damaged`);
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
