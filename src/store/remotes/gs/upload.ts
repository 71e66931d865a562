/** Sending an object: a small one in one request, a large one so that the server can say how much it has. */
import { randomBytes } from "node:crypto";
import { ExpverError } from "../../../errors.ts";
import { dropAnswer } from "../../../platform/http.ts";
import { textOf } from "../http-access.ts";
import { retrying } from "../retry.ts";
import type { Source } from "../server.ts";
import { parseJson } from "../token-source.ts";
import type { GsClient } from "./client.ts";
import type { Session } from "./sessions.ts";

export interface Upload {
  client: GsClient;
  bucket: string;
  /** As it is named in the bucket. */
  name: string;
  source: Source;
  signal: AbortSignal;
  session: Session;
}

const HAS_MORE = 308;
// Sent at once: what some servers keep of an upload that breaks off ends where such a piece ended.
const PIECE = 64 * 2 ** 20;

/** With the digest, so that the server refuses bytes that were changed on the way. */
function description({ name, source: { md5 } }: Upload): string {
  return JSON.stringify({ name, ...(md5 === null ? {} : { md5Hash: Buffer.from(md5, "hex").toString("base64") }) });
}

/** What the server says of an object. */
export type Item = Record<string, unknown> | null;

/** Appears whole or not at all. */
export async function uploadAtOnce(upload: Upload): Promise<Item> {
  const { client, bucket, name, source, signal } = upload;
  const boundary = `expver-${randomBytes(12).toString("hex")}`;
  const before = Buffer.from(
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${description(upload)}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`,
  );
  const after = Buffer.from(`\r\n--${boundary}--\r\n`);
  const answer = await client.ask({
    method: "POST",
    path: `upload/storage/v1/b/${bucket}/o`,
    query: { uploadType: "multipart" },
    headers: { "content-type": `multipart/related; boundary=${boundary}` },
    async *body() {
      yield before;
      yield* source.chunks();
      yield after;
    },
    length: before.length + source.size + after.length,
    signal,
    doing: `write ${name}`,
  });
  return parseJson(await textOf(answer, { remote: client.remote, doing: `write ${name}` }));
}

/** What breaks off is taken up behind the last byte the server has, here or by a later command. */
export async function uploadResumably(upload: Upload): Promise<Item> {
  const { source, signal, session } = upload;
  // Of bytes that are named by another digest others may have been sent before.
  let place = source.md5 === null ? null : session.find();
  let mayHaveSome = place !== null;
  const lose = () => {
    place = null;
    mayHaveSome = false;
    session.forget();
  };
  try {
    const item = await retrying(
      async () => {
        place ??= await begin(upload);
        if (source.md5 !== null) session.keep(place);
        const from = mayHaveSome ? await put(upload, place, { range: `bytes */${source.size}`, lose }) : 0;
        mayHaveSome = true;
        return typeof from === "number" ? await sendFrom(upload, place, { from, lose }) : from;
      },
      { signal },
    );
    session.forget();
    return item;
  } catch (error) {
    if (!signal.aborted && !(error instanceof ExpverError && HEALING.includes(error.code))) session.forget();
    throw error;
  }
}

// After which a later command may go on.
const HEALING: readonly string[] = ["E_REMOTE_UNREACHABLE", "E_REMOTE_TIMEOUT", "E_INTERRUPTED"];

async function sendFrom(upload: Upload, place: string, { from, lose }: { from: number; lose: () => void }): Promise<Item> {
  const { source } = upload;
  const reader = cutting(behind(source, from));
  try {
    for (let at = from; ; ) {
      const length = Math.min(PIECE, source.size - at);
      const end: number = at + length;
      const range = `bytes ${at}-${end - 1}/${source.size}`;
      const answer = await put(upload, place, { range, body: once(reader.next(length), upload), length, lose });
      if (typeof answer !== "number") return answer;
      at = answer;
      if (at !== end || at >= source.size) throw lost(upload, `has ${at} of ${end} bytes`);
    }
  } finally {
    await reader.close();
  }
}

/** Sends bytes, or asks how far the server is: so many it has, or the whole object. */
async function put(
  { client, name, source, signal }: Upload,
  path: string,
  { range, lose, ...body }: { range: string; lose: () => void; body?: () => AsyncIterable<Buffer>; length?: number },
): Promise<number | Item> {
  const doing = `write ${name}`;
  const gone = body.length === undefined ? [400, 404, 410] : [404, 410];
  const headers = { "content-range": range };
  const answer = await client.ask({ method: "PUT", path, headers, ...body, signal, accept: [HAS_MORE, ...gone], doing });
  const text = await textOf(answer, { remote: client.remote, doing });
  if (answer.status === HAS_MORE) return Number(/^bytes=0-(\d+)$/.exec(String(answer.headers.range ?? ""))?.[1] ?? -1) + 1;
  const item = answer.status < 300 ? parseJson(text) : null;
  if (item !== null && Number(item.size) === source.size) return item;
  lose();
  throw lost({ client, name }, "has lost it");
}

/** Tried again, from the beginning when the session is over. */
function lost({ client, name }: Pick<Upload, "client" | "name">, what: string): ExpverError {
  return new ExpverError("E_REMOTE_ANSWER", `remote ${client.remote}: cannot write ${name}: the server ${what}`, {
    details: { passing: true },
  });
}

/** Bytes that can be had once: who asks for them again has to begin anew. */
function once(bytes: AsyncIterable<Buffer>, upload: Upload): () => AsyncIterable<Buffer> {
  let isGiven = false;
  return () => {
    if (isGiven) throw lost(upload, "wants it once more");
    isGiven = true;
    return bytes;
  };
}

/** Cuts pieces to stretches of given lengths, with nothing but the piece at hand in memory. */
function cutting(pieces: AsyncIterable<Buffer>): { next(length: number): AsyncIterable<Buffer>; close(): Promise<unknown> } {
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async *next(length) {
      for (let left = length; left > 0; ) {
        if (rest.length === 0) {
          const { value, done } = await iterator.next();
          if (done) return;
          rest = value;
        }
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    },
    close: async () => iterator.return?.(),
  };
}

/** Read from the beginning, whatever the server has: the last piece comes only when all of it was right. */
async function* behind(source: Source, from: number): AsyncIterable<Buffer> {
  let left = from;
  for await (const piece of source.chunks()) {
    if (left < piece.length) yield piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}

/** Where the bytes go, below the endpoint. Whatever host the server names, it is the one we asked. */
async function begin(upload: Upload): Promise<string> {
  const { client, bucket, name, source, signal } = upload;
  const body = Buffer.from(description(upload));
  const answer = await client.ask({
    method: "POST",
    path: `upload/storage/v1/b/${bucket}/o`,
    query: { uploadType: "resumable", name },
    headers: { "content-type": "application/json; charset=UTF-8", "x-upload-content-length": String(source.size) },
    body: () => [body],
    length: body.length,
    signal,
    doing: `begin ${name}`,
  });
  dropAnswer(answer);
  const { location } = answer.headers;
  if (location === undefined || !URL.canParse(location))
    throw new ExpverError("E_REMOTE_ANSWER", `the server does not say where ${name} goes`);
  const { pathname, search } = new URL(location);
  return pathname + search;
}
