/**
 * The two things xetrack's asset tables pickle beside the assets themselves: plain strings and whole numbers. Nothing else is
 * understood, nothing is ever run; an asset's own bytes are carried, not read.
 */

/** The string or number in a pickle; undefined when it holds anything else. */
export function readPickle(bytes: Uint8Array): string | bigint | undefined {
  const reader = readerOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  let value: string | bigint | undefined;
  try {
    for (;;) {
      const code = reader.byte();
      if (code === STOP) return reader.isAtEnd() ? value : undefined;
      const skip = SKIPPED[code];
      if (skip !== undefined) reader.take(skip);
      else if (value === undefined) value = OPERANDS[code]?.(reader);
      else return undefined;
      if (skip === undefined && value === undefined) return undefined;
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A whole number from 0 on, for Python's `pickle.loads`: protocol 5, without the frame that its own `dumps` puts around longer ones. */
export function pickleCount(count: number): Uint8Array {
  if (count < 0x100) return Uint8Array.of(0x80, 5, 0x4b, count, STOP);
  if (count < 0x10000) return Uint8Array.of(0x80, 5, 0x4d, count & 0xff, count >> 8, STOP);
  const bytes = Buffer.from([0x80, 5, 0x4a, 0, 0, 0, 0, STOP]);
  bytes.writeInt32LE(count, 3);
  return bytes;
}

const STOP = 0x2e;

/** Opcodes without meaning here, and how many bytes follow them: PROTO, FRAME, MEMOIZE, BINPUT. */
const SKIPPED: Record<number, number> = { 128: 1, 149: 8, 148: 0, 113: 1 };

interface Reader {
  byte(): number;
  take(length: number): Buffer;
  isAtEnd(): boolean;
}

/** BININT1, BININT2, BININT, LONG1, SHORT_BINUNICODE, BINUNICODE. */
const OPERANDS: Record<number, (reader: Reader) => string | bigint> = {
  75: (reader) => BigInt(reader.byte()),
  77: (reader) => BigInt(reader.take(2).readUInt16LE()),
  74: (reader) => BigInt(reader.take(4).readInt32LE()),
  138: (reader) => signed(reader.take(reader.byte())),
  140: (reader) => reader.take(reader.byte()).toString("utf8"),
  88: (reader) => reader.take(reader.take(4).readUInt32LE()).toString("utf8"),
};

function readerOf(buffer: Buffer): Reader {
  let at = 0;
  const take = (length: number) => {
    if (at + length > buffer.length) throw new RangeError("the pickle ends early");
    at += length;
    return buffer.subarray(at - length, at);
  };
  return { take, byte: () => take(1).readUInt8(), isAtEnd: () => at === buffer.length };
}

function signed(bytes: Buffer): bigint {
  if (bytes.length > 8) throw new RangeError("the number is too large");
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return BigInt.asIntN(8 * bytes.length, value);
}
