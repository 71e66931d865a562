/** The bytes of one file of SFTP, many pieces under way at once. */
import type { Source } from "../server.ts";
import type { Asking } from "./asking.ts";
import { isRefusal, type SftpConnection } from "./connection.ts";
import { malformed, STATUS, TYPE } from "./packets.ts";

// Every server takes this much; more would need asking.
const PIECE = 32 * 1024;
// Requests of one file under way: what a long line holds.
const WINDOW = 48;
const NOTHING_LEFT = 2 ** 20;

/** Asks for several pieces ahead; a short piece is completed before the next is given. */
export async function* readingFile(
  { connection, refused, close }: Asking,
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

/** With many pieces under way. `behind`: what is asked once all of them are, before they are answered. */
export async function writingFile(
  { connection, refused, full }: Asking,
  handle: Buffer,
  source: Source,
  { signal, doing, behind }: { signal: AbortSignal; doing: string; behind: () => Promise<unknown> },
): Promise<void> {
  let offset = 0;
  const under = new Set<Promise<void>>();
  let failed: { error: unknown } | null = null;
  const write = async (bytes: Buffer, place: number) => {
    const reply = await connection.ask(TYPE.WRITE, [handle, BigInt(place), bytes], signal);
    if (isRefusal(reply) && reply.status !== STATUS.OK)
      throw (await isFull(connection, handle, signal)) ? full(doing) : refused(doing, reply);
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
  const last = behind();
  last.catch(() => {});
  await Promise.all(under);
  if (failed !== null) throw (failed as { error: unknown }).error;
  await last;
}

/** SFTP says only "failure" when a disk is full. */
async function isFull(connection: SftpConnection, handle: Buffer, signal: AbortSignal): Promise<boolean> {
  if (!(await connection.extensions()).has("fstatvfs@openssh.com")) return false;
  const reply = await connection.ask(TYPE.EXTENDED, ["fstatvfs@openssh.com", handle], signal);
  if (isRefusal(reply)) return false;
  const [, unit = 0, , , available = 0] = Array.from({ length: 5 }, () => reply.fields.uint64());
  return unit * available < NOTHING_LEFT;
}
