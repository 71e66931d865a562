/** Sending an object: a small one in one request, a large one so that the server can say how much it has. */
import { randomBytes } from "node:crypto";
import { ExpverError } from "../../../errors.ts";
import { dropAnswer } from "../../../platform/http.ts";
import { textOf } from "../http-access.ts";
import { retrying } from "../retry.ts";
import type { Source } from "../server.ts";
import { parseJson } from "../token-source.ts";
import type { GsClient } from "./client.ts";

export interface Upload {
  client: GsClient;
  bucket: string;
  /** As it is named in the bucket. */
  name: string;
  source: Source;
  signal: AbortSignal;
}

const HAS_MORE = 308;

/** With the digest, so that the server refuses bytes that were changed on the way. */
function description({ name, source: { md5 } }: Upload): string {
  return JSON.stringify({ name, ...(md5 === null ? {} : { md5Hash: Buffer.from(md5, "hex").toString("base64") }) });
}

/** Appears whole or not at all. */
export async function uploadAtOnce(upload: Upload): Promise<void> {
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
  dropAnswer(answer);
}

/** What breaks off is taken up behind the last byte the server has. */
export async function uploadResumably(upload: Upload): Promise<void> {
  const { client, name, source, signal } = upload;
  const doing = `write ${name}`;
  let session: string | null = null;
  let mayHaveSome = false;
  await retrying(
    async () => {
      const at: string = session ?? (await begin(upload));
      session = at;
      const from = mayHaveSome ? await put(at, `bytes */${source.size}`, null) : 0;
      mayHaveSome = true;
      if (from === "whole") return;
      const answer = await put(at, `bytes ${from}-${source.size - 1}/${source.size}`, from);
      if (answer !== "whole") throw lost(`has ${answer} of ${source.size} bytes`);
    },
    { signal },
  );

  /** Sends what lies behind an offset, or asks how far the server is. */
  async function put(path: string, range: string, from: number | null): Promise<number | "whole"> {
    const body = from === null ? {} : { body: () => behind(source, from), length: source.size - from };
    const headers = { "content-range": range };
    const answer = await client.ask({ method: "PUT", path, headers, ...body, signal, accept: [HAS_MORE, 404, 410], doing });
    const text = await textOf(answer, { remote: client.remote, doing });
    if (answer.status === HAS_MORE) return Number(/^bytes=0-(\d+)$/.exec(String(answer.headers.range ?? ""))?.[1] ?? -1) + 1;
    if (answer.status < 300 && Number(parseJson(text)?.size) === source.size) return "whole";
    session = null;
    mayHaveSome = false;
    throw lost("has lost it");
  }

  /** Tried again, from the beginning when the session is over. */
  function lost(what: string): ExpverError {
    return new ExpverError("E_REMOTE_ANSWER", `remote ${client.remote}: cannot ${doing}: the server ${what}`, {
      details: { passing: true },
    });
  }
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
