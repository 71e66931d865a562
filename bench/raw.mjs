/**
 * The file operations that a data command cannot do without, and nothing else: no journal, no lock, no sync, no temporary names, no
 * checks, no memory of hashes. `node raw.mjs VERB DATA STORE [link]`; each verb leaves what the next one reads.
 */
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
  writeFileSync,
  writeSync,
} from "node:fs";

const [verb, data, store, link] = process.argv.slice(2);
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
const made = new Set();
const verbs = { add, status, checkout, push };
verbs[verb]();

function add() {
  const entries = [];
  for (const relpath of walk(data, "")) {
    const bytes = read(`${data}/${relpath}`);
    const md5 = createHash("md5").update(bytes).digest("hex");
    entries.push({ md5, relpath });
    folder(`${store}/${md5.slice(0, 2)}`);
    place(`${data}/${relpath}`, bytes, objectOf(store, md5));
  }
  writeFileSync(`${store}/listing`, JSON.stringify(entries));
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
    place(from, link === "link" ? null : read(from), path);
  }
}

function push() {
  for (const { md5 } of listing()) {
    folder(`${store}-remote/${md5.slice(0, 2)}`);
    writeNew(objectOf(`${store}-remote`, md5), read(objectOf(store, md5)), 0o444);
  }
}

function place(from, bytes, to) {
  if (link === "link") linkSync(from, to);
  else writeNew(to, bytes, 0o644);
}

function* walk(absolute, inside) {
  for (const item of readdirSync(absolute, { withFileTypes: true })) {
    if (item.isDirectory()) yield* walk(`${absolute}/${item.name}`, `${inside}${item.name}/`);
    else yield inside + item.name;
  }
}

function read(path) {
  const descriptor = openSync(path, "r");
  const count = readSync(descriptor, buffer, 0, buffer.length, null);
  closeSync(descriptor);
  return count < buffer.length ? buffer.subarray(0, count) : readFileSync(path);
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
