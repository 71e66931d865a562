/** An object that comes piece by piece, from a network: hashed on the way, in memory while it is small, then in a temporary file. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, createReadStream, openSync, rmSync } from "node:fs";
import { fromSystemError } from "../../errors.ts";
import { setMode, writeAll } from "../../platform/files.ts";
import { type Digest, md5OfFile } from "../../platform/hashing.ts";
import type { HashName } from "../types.ts";

const IN_MEMORY = 2 ** 20;

export interface Arrival {
  /** Goes on with the bytes of a file, which becomes this arrival's. */
  resume(path: string): Promise<void>;
  /** Bytes that have come. */
  size(): number;
  add(chunk: Uint8Array): void;
  /** Forgets what has come. */
  restart(): void;
  /** All has come: its digest, and its bytes or the path of a read-only file that holds them. */
  end(): Digest & ({ bytes: Buffer } | { file: string });
  /** Ends without an object; answers the path of the file there is, which the caller removes or keeps. */
  giveUp(): string | null;
}

export function openArrival(hashName: HashName, temporary: () => string): Arrival {
  let hash: Hash = createHash("md5");
  let pieces: Uint8Array[] = [];
  let size = 0;
  let file: { path: string; descriptor: number } | null = null;

  const close = () => {
    if (file !== null && file.descriptor >= 0) closeSync(file.descriptor);
    if (file !== null) file.descriptor = -1;
  };
  const spill = () => {
    const path = temporary();
    file = { path, descriptor: openSync(path, "wx", 0o444) };
    for (const piece of pieces) writeAll(file.descriptor, piece);
    pieces = [];
    return file;
  };
  return {
    size: () => size,
    async resume(path) {
      const descriptor = openSync(path, "a");
      file = { path, descriptor };
      setMode(descriptor, 0o444);
      // In pieces: other transfers go on meanwhile.
      for await (const chunk of createReadStream(path, { highWaterMark: IN_MEMORY })) {
        hash.update(chunk as Buffer);
        size += (chunk as Buffer).length;
      }
    },
    add(chunk) {
      try {
        hash.update(chunk);
        size += chunk.length;
        if (file === null && size <= IN_MEMORY) pieces.push(chunk);
        else writeAll((file ?? spill()).descriptor, chunk);
      } catch (error) {
        throw fromSystemError(error, "cannot write what arrives");
      }
    },
    restart() {
      hash = createHash("md5");
      pieces = [];
      size = 0;
      if (file === null) return;
      close();
      rmSync(file.path, { force: true });
      file = null;
    },
    end() {
      // DVC 2's hash depends on 1 MiB borders of the whole file.
      if (hashName !== "md5" && file === null) spill();
      close();
      if (file === null) return { md5: hash.digest("hex"), size, bytes: Buffer.concat(pieces) };
      const md5 = hashName === "md5" ? hash.digest("hex") : md5OfFile(file.path, { kind: hashName }).md5;
      return { md5, size, file: file.path };
    },
    giveUp() {
      close();
      return file?.path ?? null;
    },
  };
}
