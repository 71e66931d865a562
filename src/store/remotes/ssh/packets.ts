/** The bytes of SFTP, version 3: what `ssh -s HOST sftp` speaks. */

import { ExpverError } from "../../../errors.ts";

export const TYPE = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  SETSTAT: 9,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  STAT: 17,
  RENAME: 18,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

export const STATUS = { OK: 0, EOF: 1, NO_SUCH_FILE: 2, PERMISSION_DENIED: 3, FAILURE: 4 } as const;

// OpenSSH sends no more than 256 KiB at once.
const LONGEST = 4 * 2 ** 20;

/** A text, bytes, a 32-bit or a 64-bit number, in the order of the protocol. */
export type Field = string | Uint8Array | number | bigint;

export function packet(type: number, fields: readonly Field[]): Buffer {
  const parts = fields.map((field) => {
    if (typeof field === "number") return uint32(field);
    if (typeof field === "bigint") {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(field);
      return bytes;
    }
    const bytes = typeof field === "string" ? Buffer.from(field) : field;
    return Buffer.concat([uint32(bytes.length), bytes]);
  });
  const length = 1 + parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([uint32(length), Buffer.from([type]), ...parts]);
}

/** Reads fields one after the other. */
export class Reader {
  #offset = 0;
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.bytes.length;
  }

  uint32(): number {
    return this.#next(4).readUInt32BE();
  }

  uint64(): number {
    return Number(this.#next(8).readBigUInt64BE());
  }

  data(): Buffer {
    return this.#next(this.uint32());
  }

  #next(length: number): Buffer {
    const begin = this.#offset;
    this.#offset += length;
    if (this.#offset > this.bytes.length) throw malformed("an answer that ends too soon");
    return this.bytes.subarray(begin, this.#offset);
  }

  text(): string {
    return this.data().toString("utf8");
  }

  attributes(): Attributes {
    const flags = this.uint32();
    const size = flags & 1 ? this.uint64() : 0;
    if (flags & 2) this.#next(8);
    const mode = flags & 4 ? this.uint32() : 0o100000;
    const [, modified] = flags & 8 ? [this.uint32(), this.uint32() * 1000] : [];
    if (flags & 0x80000000) for (let left = this.uint32(); left > 0; left -= 1) [this.data(), this.data()];
    const kind = mode & 0o170000;
    return { size, isFile: kind === 0o100000, isFolder: kind === 0o040000, mode: mode & 0o7777, modified };
  }
}

export interface Attributes {
  size: number;
  isFile: boolean;
  isFolder: boolean;
  /** Permission bits. */
  mode: number;
  /** When it was written, in milliseconds by the server's clock. */
  modified: number | undefined;
}

/** What came is no SFTP. */
export function malformed(what: string): ExpverError {
  return new ExpverError("E_REMOTE_ANSWER", `the SSH server does not speak SFTP as it should: it sent ${what}`, {
    hint: "Where a login shell prints something (in .bashrc, say), it must not for a connection without a terminal: try `ssh HOST true`.",
  });
}

/** Cuts a stream into packets: type and body. */
export function packetReader(take: (type: number, body: Buffer) => void): (bytes: Buffer) => void {
  let pieces: Buffer[] = [];
  let size = 0;
  return (bytes) => {
    pieces.push(bytes);
    size += bytes.length;
    // Joined only when a whole packet has come: large ones come in many pieces.
    while (size >= 5) {
      const head = pieces[0] !== undefined && pieces[0].length >= 5 ? pieces[0] : Buffer.concat(pieces);
      const length = head.readUInt32BE(0) + 4;
      if (length > LONGEST || length < 5) throw malformed(JSON.stringify(head.toString("latin1", 0, 40)));
      if (size < length) {
        if (head !== pieces[0]) pieces = [head];
        return;
      }
      const all = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
      pieces = all.length > length ? [all.subarray(length)] : [];
      size = all.length - length;
      take(all[4] ?? 0, all.subarray(5, length));
    }
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
