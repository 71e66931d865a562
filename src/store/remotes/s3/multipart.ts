/** Large objects in parts, several at once; an upload that was broken off is taken up where it stopped. */
import { createHash } from "node:crypto";
import { ExpverError, failedWith } from "../../../errors.ts";
import { dropAnswer } from "../../../platform/http.ts";
import { textOf } from "../http-access.ts";
import { inParts, type Room } from "../parts.ts";
import { retrying } from "../retry.ts";
import type { Found, Source } from "../server.ts";
import { elementsIn, textIn } from "../xml.ts";
import type { S3Client } from "./client.ts";
import { bareTag, type VersionNames } from "./names.ts";
import type { S3Settings } from "./settings.ts";

export interface UploadTools {
  client: S3Client;
  settings: S3Settings;
  /** Bytes of parts in memory, over all uploads. */
  room: Room;
  names: VersionNames;
}

const MOST_PARTS = 9000;

interface Part {
  number: number;
  etag: string;
}

/** Answers what the server calls it. Throws E_OBJECT, leaving nothing, when the bytes are not the object's. */
export async function uploadInParts(
  key: string,
  source: Source,
  { tools, signal }: { tools: UploadTools; signal: AbortSignal },
): Promise<Pick<Found, "tag" | "version">> {
  const { client, settings, room, names } = tools;
  const partSize = Math.max(settings.partSize, Math.ceil(source.size / MOST_PARTS / 2 ** 20) * 2 ** 20);
  const { id, there } = (await findUpload(tools, key, signal)) ?? {
    id: await beginUpload(tools, key, signal),
    there: new Map<number, string>(),
  };
  const parts: Part[] = [];
  const sending = new Set<Promise<void>>();
  let failed: { error: unknown } | null = null;
  try {
    let number = 0;
    for await (const pieces of inParts(source.chunks(), partSize)) {
      number += 1;
      const digest = createHash("md5");
      for (const piece of pieces) digest.update(piece);
      const md5 = digest.digest();
      const size = pieces.reduce((sum, { length }) => sum + length, 0);
      const known = there.get(number);
      if (known?.replaceAll('"', "") === md5.toString("hex")) {
        parts.push({ number, etag: known });
        continue;
      }
      if (failed !== null) break;
      await room.enter(size);
      const mine = number;
      const one = retrying(() => sendPart({ key, id, number: mine, pieces, size, md5: md5.toString("base64") }), { signal })
        .then((etag) => void parts.push({ number: mine, etag }))
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => {
          room.leave(size);
          sending.delete(one);
        });
      sending.add(one);
    }
    await Promise.all(sending);
    if (failed !== null) throw (failed as { error: unknown }).error;
  } catch (error) {
    await Promise.all(sending);
    // What is right so far stays for the next try; what is wrong must not.
    if (failedWith(error, "E_OBJECT")) await abort();
    throw isOver(error) ? begunAnew(error) : error;
  }
  return complete();

  async function sendPart(part: { key: string; id: string; number: number; pieces: Buffer[]; size: number; md5: string }): Promise<string> {
    const answer = await client.ask({
      method: "PUT",
      key,
      query: { partNumber: String(part.number), uploadId: part.id },
      headers: { "content-md5": part.md5, ...settings.reading },
      body: () => part.pieces,
      length: part.size,
      signal,
      doing: `write part ${part.number} of ${key}`,
    });
    dropAnswer(answer);
    return answer.headers.etag ?? "";
  }

  async function complete(): Promise<Pick<Found, "tag" | "version">> {
    const listed = parts.sort((a, b) => a.number - b.number);
    const body = Buffer.from(
      `<CompleteMultipartUpload>${listed.map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', "&quot;")}</ETag></Part>`).join("")}</CompleteMultipartUpload>`,
    );
    const answer = await client.ask({
      method: "POST",
      key,
      query: { uploadId: id },
      headers: { ...settings.reading },
      body: () => [body],
      length: body.length,
      signal,
      doing: `finish ${key}`,
    });
    // Success is promised before it is known: a failure may stand in the body of a 200.
    const text = await textOf(answer, { remote: client.remote, doing: `finish ${key}` });
    const code = /<Error[\s>]/.test(text) ? textIn(text, "Code") : undefined;
    if (code !== undefined) {
      throw new ExpverError("E_REMOTE_ANSWER", `cannot finish ${key}: ${code}: ${textIn(text, "Message") ?? ""}`, {
        details: { s3: code, passing: true },
      });
    }
    return { ...names.of(answer), tag: bareTag(textIn(text, "ETag")?.replaceAll("&quot;", '"')) };
  }

  async function abort(): Promise<void> {
    await client
      .ask({ method: "DELETE", key, query: { uploadId: id }, signal, accept: [404], doing: `give up ${key}` })
      .then(dropAnswer)
      .catch(() => {});
  }
}

/** Somebody else has finished it, or given it up: two may have gone on with the same one. */
function isOver(error: unknown): error is ExpverError {
  return error instanceof ExpverError && error.details.s3 === "NoSuchUpload";
}

function begunAnew({ message, details }: ExpverError): ExpverError {
  return new ExpverError("E_REMOTE_ANSWER", message, { details: { ...details, passing: true } });
}

async function beginUpload({ client, settings }: UploadTools, key: string, signal: AbortSignal): Promise<string> {
  const headers = { ...settings.writing, ...settings.reading };
  const doing = `begin ${key}`;
  const answer = await client.ask({ method: "POST", key, query: { uploads: "" }, headers, signal, doing });
  return textIn(await textOf(answer, { remote: client.remote, doing }), "UploadId") ?? "";
}

/** The newest upload of this object that nobody finished, and what the server calls its parts; null too where that may not be asked. */
async function findUpload(
  { client }: UploadTools,
  key: string,
  signal: AbortSignal,
): Promise<{ id: string; there: Map<number, string> } | null> {
  const read = async (at: string, query: Record<string, string>) => {
    const answer = await client.ask({
      method: "GET",
      key: at,
      query,
      signal,
      accept: [403, 404, 405, 501],
      doing: `look for parts of ${key}`,
    });
    const text = await textOf(answer, { remote: client.remote, doing: `look for parts of ${key}` });
    return answer.status < 300 ? text : "";
  };
  const uploads = elementsIn(await read("", { uploads: "", prefix: key }), "Upload").filter((upload) => textIn(upload, "Key") === key);
  const id = textIn(
    uploads.sort((a, b) => ((textIn(a, "Initiated") ?? "") < (textIn(b, "Initiated") ?? "") ? 1 : -1))[0] ?? "",
    "UploadId",
  );
  if (id === undefined) return null;
  const there = new Map<number, string>();
  for (let after = "0"; ; ) {
    const text = await read(key, { uploadId: id, "part-number-marker": after });
    for (const part of elementsIn(text, "Part")) there.set(Number(textIn(part, "PartNumber")), textIn(part, "ETag") ?? "");
    const next = textIn(text, "NextPartNumberMarker");
    if (textIn(text, "IsTruncated") !== "true" || !(Number(next) > Number(after))) return { id, there };
    after = next ?? "";
  }
}
