/** SSH: files on another machine, by SFTP. An object is written under a temporary name and renamed. */
import { setTimeout as pause } from "node:timers/promises";
import { ExpverError } from "../../../errors.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import { MOST_NAMES } from "../bounds.ts";
import type { Environment } from "../http-access.ts";
import { isFileName, strangeName } from "../keys.ts";
import { once } from "../once.ts";
import type { FolderThere, Key, KeyAndSize, ObjectServer } from "../server.ts";
import { uploadsOf } from "../uploads.ts";
import { askingOf } from "./asking.ts";
import { isRefusal, type SftpConnection, sftpConnection } from "./connection.ts";
import { readingFile, writingFile } from "./one-file.ts";
import { type Attributes, type Field, malformed, STATUS, TYPE } from "./packets.ts";

const CLEANING_MS = 5000;
const READ = 1;
const WRITE_NEW = 2 | 8 | 32;
const WITH_MODE = 4;

export function sshServer(config: RemoteConfig, env: Environment): ObjectServer {
  const { name, url } = config;
  const root = /^ssh:\/\/[^/]*(\/.*?)?\/*$/.exec(url)?.[1] || "/";
  const connection = sftpConnection(config, env);
  const asking = askingOf(name, connection);
  const { ask, must, refused, close } = asking;
  const at = (key: Key) => (key === "" ? root : `${root === "/" ? "" : root}/${key}`);
  const makeFolder = once(mkdir, (path) => path);
  const remove = (key: Key, signal: AbortSignal) => ask(TYPE.REMOVE, [at(key)], { signal, doing: `delete ${key}` });
  const uploads = uploadsOf({
    /** As open to others as the folder of the shards: a group may share it. */
    async makeFolder(folder, signal) {
      const path = at(folder);
      const doing = `make ${path}`;
      if ((await ask(TYPE.STAT, [path], { signal, doing })) !== null) return;
      await makeFolder(path, signal);
      const above = await must(TYPE.STAT, [path.slice(0, path.lastIndexOf("/"))], { signal, doing });
      await connection.ask(TYPE.SETSTAT, [path, WITH_MODE, above.fields.attributes().mode], signal);
    },
    files: async (folder, signal) => ((await readFolder(folder, signal)) ?? []).filter(({ isFile }) => isFile),
    remove,
  });

  return {
    async find(key, signal) {
      const reply = await ask(TYPE.STAT, [at(key)], { signal, doing: `look for ${key}` });
      if (reply === null) return null;
      const { size, isFile } = reply.fields.attributes();
      return isFile ? { size } : null;
    },

    async get(key, { from, signal }) {
      const doing = `read ${key}`;
      const reply = await ask(TYPE.OPEN, [at(key), READ, 0], { signal, doing });
      return reply === null ? null : { from, length: undefined, bytes: readingFile(asking, reply.fields.data(), { from, signal, doing }) };
    },

    async put(key, source, signal) {
      const doing = `write ${key}`;
      const folder = at(key).slice(0, at(key).lastIndexOf("/"));
      await makeFolder(folder, signal);
      const temporary = at(await uploads.nameFor(key, signal));
      let handle: Buffer | null = null;
      try {
        handle = (await must(TYPE.OPEN, [temporary, WRITE_NEW, 0], { signal, doing })).fields.data();
        const written = handle;
        const extensions = await connection.extensions();
        const syncs = extensions.has("fsync@openssh.com");
        const sync = async () => (syncs ? must(TYPE.EXTENDED, ["fsync@openssh.com", written], { signal, doing }) : null);
        await writingFile(asking, written, source, { signal, doing, behind: sync });
        // What is on the disk cannot be lost when it is closed: nobody waits for that.
        const closing = close(written, signal);
        closing.catch(() => {});
        if (!syncs) await closing;
        const isAtomic = extensions.has("posix-rename@openssh.com");
        // The plain rename of SFTP refuses to replace.
        if (!isAtomic) await ask(TYPE.REMOVE, [at(key)], { signal, doing });
        const names: Field[] = [temporary, at(key)];
        if (isAtomic) await must(TYPE.EXTENDED, ["posix-rename@openssh.com", ...names], { signal, doing });
        else await must(TYPE.RENAME, names, { signal, doing });
      } catch (error) {
        await removeQuietly(connection, { handle, path: temporary });
        throw error;
      }
    },

    identity: async () => `${config.options.get("user") ?? "the user"} of ssh's own configuration, agent and keys`,

    skewMs: () => null,

    async remove(key, signal) {
      await uploads.sweepBeside(key);
      await remove(key, signal);
    },

    async *list(folder, signal) {
      const entries = await readFolder(folder, signal);
      if (entries === null) return;
      const found = entries.filter(({ isFile }) => isFile).map(({ name, size }): KeyAndSize => ({ key: `${folder}/${name}`, size }));
      yield found.sort((a, b) => (a.key < b.key ? -1 : 1));
    },

    async readFolder(folder, signal) {
      const entries = await readFolder(folder, signal);
      if (entries === null) return null;
      const keyOf = (name: string) => (folder === "" ? name : `${folder}/${name}`);
      const found: FolderThere = { files: [], folders: [] };
      for (const { name: entry, size, isFile, isFolder } of entries) {
        const key = keyOf(entry);
        if (isFolder) found.folders.push({ name: entry, key });
        else if (isFile) found.files.push({ key, relpath: entry, size });
        else found.files.push({ key, relpath: entry, size: await sizeBehind(key, signal) });
      }
      return found;
    },
  };

  async function mkdir(path: string, signal: AbortSignal): Promise<void> {
    const doing = `make ${path}`;
    if ((await ask(TYPE.STAT, [path], { signal, doing })) !== null) return;
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") await makeFolder(parent, signal);
    const reply = await connection.ask(TYPE.MKDIR, [path, 0], signal);
    if (!isRefusal(reply) || reply.status === STATUS.OK) return;
    // Somebody else may have made it meanwhile.
    if ((await ask(TYPE.STAT, [path], { signal, doing })) === null) throw refused(doing, reply);
  }

  /** A link counts as the file it leads to; one to a folder could lead around in a circle. */
  async function sizeBehind(key: Key, signal: AbortSignal): Promise<number> {
    const { isFile, size } = (await must(TYPE.STAT, [at(key)], { signal, doing: `look for ${key}` })).fields.attributes();
    if (isFile) return size;
    throw new ExpverError("E_DATA", `${name}: ${key} is neither a file nor a folder`, { details: { remote: name, path: key } });
  }

  /** Null: there is no such folder. */
  async function readFolder(folder: Key, signal: AbortSignal): Promise<({ name: string } & Attributes)[] | null> {
    const doing = `list ${folder}`;
    const opened = await ask(TYPE.OPENDIR, [at(folder)], { signal, doing });
    if (opened === null) return null;
    const handle = opened.fields.data();
    const found: ({ name: string } & Attributes)[] = [];
    for (;;) {
      const reply = await connection.ask(TYPE.READDIR, [handle], signal);
      if (isRefusal(reply)) {
        await close(handle, signal);
        if (reply.status !== STATUS.EOF) throw refused(doing, reply);
        return found;
      }
      const { fields } = reply;
      for (let left = fields.uint32(); left > 0; left -= 1) {
        const name = fields.text();
        fields.text();
        const attributes = fields.attributes();
        if (name === "." || name === "..") continue;
        if (!isFileName(name)) throw strangeName(config.name, { folder, name });
        found.push({ name, ...attributes });
      }
      if (found.length > MOST_NAMES) throw malformed("a listing without end");
    }
  }
}

/**
 * After a failure, also an interruption: with a little patience, and without a word when it fails. Without a handle the opening was not
 * answered, yet it may have been heard: what is asked later about the same file is done later.
 */
async function removeQuietly(connection: SftpConnection, { handle, path }: { handle: Buffer | null; path: string }): Promise<void> {
  const controller = new AbortController();
  const remove = () => connection.ask(TYPE.REMOVE, [path], controller.signal);
  if (handle !== null) connection.ask(TYPE.CLOSE, [handle], controller.signal).catch(() => {});
  // Once more, by a new connection: the key that interrupts us ends an ssh of the same terminal too.
  const removing = remove().catch(() => (controller.signal.aborted ? undefined : remove()));
  removing.catch(() => {});
  await Promise.race([removing, pause(CLEANING_MS, undefined, { ref: false })]).catch(() => {});
  controller.abort();
}
