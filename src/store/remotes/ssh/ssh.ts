/** SSH: files on another machine, by SFTP. An object is written under a temporary name and renamed. */
import { setTimeout as pause } from "node:timers/promises";
import { ExpverError } from "../../../errors.ts";
import type { RemoteConfig } from "../../dvc-config.ts";
import { MOST_NAMES } from "../bounds.ts";
import type { Environment } from "../http-access.ts";
import { isFileName, strangeName } from "../keys.ts";
import type { FolderThere, Key, KeyAndSize, ObjectServer, Source } from "../server.ts";
import { uploadsOf } from "../uploads.ts";
import { isRefusal, type Refusal, type Reply, type SftpConnection, sftpConnection } from "./connection.ts";
import { type Attributes, type Field, malformed, Reader, STATUS, TYPE } from "./packets.ts";

// Every server takes this much; more would need asking.
const PIECE = 32 * 1024;
// Requests of one file under way: what a long line holds.
const WINDOW = 48;
const CLEANING_MS = 5000;
const READ = 1;
const WRITE_NEW = 2 | 8 | 32;
const WITH_MODE = 4;
const NOTHING_LEFT = 2 ** 20;

export function sshServer(config: RemoteConfig, env: Environment): ObjectServer {
  const { name, url } = config;
  const root = /^ssh:\/\/[^/]*(\/.*?)?\/*$/.exec(url)?.[1] || "/";
  const connection = sftpConnection(config, env);
  const at = (key: Key) => (key === "" ? root : `${root === "/" ? "" : root}/${key}`);
  const refused = (doing: string, { status, text }: Refusal): ExpverError => {
    const code = status === STATUS.PERMISSION_DENIED ? "E_REMOTE_FORBIDDEN" : "E_REMOTE_ANSWER";
    return new ExpverError(code, `remote ${name}: cannot ${doing}: ${text || `SFTP status ${status}`}`, {
      ...(code === "E_REMOTE_FORBIDDEN" ? { hint: "The user of the remote may not do this there: see owner and mode of the folder." } : {}),
      details: { remote: name, sftp: status },
    });
  };
  /** The reply, or null when the file is not there. */
  const ask = async (
    type: number,
    fields: readonly Field[],
    { signal, doing }: { signal: AbortSignal; doing: string },
  ): Promise<Reply | null> => {
    const reply = await connection.ask(type, fields, signal);
    if (!isRefusal(reply)) return reply;
    if (reply.status === STATUS.OK) return { type: TYPE.STATUS, fields: new Reader(Buffer.alloc(0)) };
    if (reply.status === STATUS.NO_SUCH_FILE) return null;
    throw refused(doing, reply);
  };
  const must = async (type: number, fields: readonly Field[], asked: { signal: AbortSignal; doing: string }): Promise<Reply> => {
    const reply = await ask(type, fields, asked);
    if (reply !== null) return reply;
    throw new ExpverError("E_REMOTE_ABSENT", `remote ${name}: cannot ${asked.doing}: no such file or folder`, {
      details: { remote: name },
    });
  };
  const close = (handle: Buffer, signal: AbortSignal) => connection.ask(TYPE.CLOSE, [handle], signal);
  const folders = new Map<string, Promise<void>>();
  const makeFolder = (path: string, signal: AbortSignal): Promise<void> => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const making = mkdir(path, signal).catch((error: unknown) => {
      folders.delete(path);
      throw error;
    });
    folders.set(path, making);
    return making;
  };
  const mkdir = async (path: string, signal: AbortSignal): Promise<void> => {
    const doing = `make ${path}`;
    if ((await ask(TYPE.STAT, [path], { signal, doing })) !== null) return;
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") await makeFolder(parent, signal);
    const reply = await connection.ask(TYPE.MKDIR, [path, 0], signal);
    if (!isRefusal(reply) || reply.status === STATUS.OK) return;
    // Somebody else may have made it meanwhile.
    if ((await ask(TYPE.STAT, [path], { signal, doing })) === null) throw refused(doing, reply);
  };
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
      return reply === null ? null : { from, length: undefined, bytes: reading(reply.fields.data(), { from, signal, doing }) };
    },

    async put(key, source, signal) {
      const doing = `write ${key}`;
      const folder = at(key).slice(0, at(key).lastIndexOf("/"));
      await makeFolder(folder, signal);
      const temporary = at(await uploads.nameFor(key, signal));
      let handle: Buffer | null = null;
      try {
        handle = (await must(TYPE.OPEN, [temporary, WRITE_NEW, 0], { signal, doing })).fields.data();
        await writing(handle, source, { signal, doing });
        const extensions = await connection.extensions();
        if (extensions.has("fsync@openssh.com")) await must(TYPE.EXTENDED, ["fsync@openssh.com", handle], { signal, doing });
        await close(handle, signal);
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

  /** Asks for several pieces ahead; a short piece is completed before the next is given. */
  async function* reading(
    handle: Buffer,
    { from, signal, doing }: { from: number; signal: AbortSignal; doing: string },
  ): AsyncIterable<Buffer> {
    const request = (offset: number, length: number) => connection.ask(TYPE.READ, [handle, BigInt(offset), length], signal);
    const ahead: { offset: number; reply: ReturnType<typeof request> }[] = [];
    let next = from;
    try {
      for (;;) {
        // Grows: a small file is not asked for forty times.
        while (ahead.length < Math.min(WINDOW, 2 + (next - from) / PIECE)) {
          const reply = request(next, PIECE);
          reply.catch(() => {});
          ahead.push({ offset: next, reply });
          next += PIECE;
        }
        const first = ahead.shift();
        if (first === undefined) return;
        const { offset } = first;
        for (let length = 0, reply = await first.reply; ; reply = await request(offset + length, PIECE - length)) {
          if (isRefusal(reply)) {
            if (reply.status === STATUS.EOF) return;
            throw refused(doing, reply);
          }
          const bytes = reply.fields.data();
          if (bytes.length === 0 || length + bytes.length > PIECE)
            throw malformed(`${bytes.length} bytes where ${PIECE - length} were asked for`);
          length += bytes.length;
          yield bytes;
          if (length >= PIECE) break;
        }
      }
    } finally {
      close(handle, signal).catch(() => {});
    }
  }

  async function writing(handle: Buffer, source: Source, { signal, doing }: { signal: AbortSignal; doing: string }): Promise<void> {
    let offset = 0;
    const under = new Set<Promise<void>>();
    let failed: { error: unknown } | null = null;
    const write = async (bytes: Buffer, place: number) => {
      const reply = await connection.ask(TYPE.WRITE, [handle, BigInt(place), bytes], signal);
      if (isRefusal(reply) && reply.status !== STATUS.OK) throw (await isFull(handle, signal)) ? full(doing) : refused(doing, reply);
    };
    for await (const chunk of source.chunks()) {
      for (let start = 0; start < chunk.length; start += PIECE) {
        const piece = chunk.subarray(start, start + PIECE);
        const one: Promise<void> = write(piece, offset)
          .catch((error: unknown) => {
            failed ??= { error };
          })
          .finally(() => under.delete(one));
        under.add(one);
        offset += piece.length;
        if (under.size >= WINDOW) await Promise.race(under);
        if (failed !== null) throw (failed as { error: unknown }).error;
      }
    }
    await Promise.all(under);
    if (failed !== null) throw (failed as { error: unknown }).error;
  }

  /** SFTP says only "failure" when a disk is full. */
  async function isFull(handle: Buffer, signal: AbortSignal): Promise<boolean> {
    if (!(await connection.extensions()).has("fstatvfs@openssh.com")) return false;
    const reply = await connection.ask(TYPE.EXTENDED, ["fstatvfs@openssh.com", handle], signal);
    if (isRefusal(reply)) return false;
    const [, unit = 0, , , available = 0] = Array.from({ length: 5 }, () => reply.fields.uint64());
    return unit * available < NOTHING_LEFT;
  }

  function full(doing: string): ExpverError {
    return new ExpverError("E_REMOTE_FULL", `remote ${name}: cannot ${doing}: the disk there is full`, { details: { remote: name } });
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
