/**
 * Large objects in blocks, several at once. A block is named by its place and its digest, so what an upload that was broken off has left
 * is found again and used, and two that send the same object at once do not harm each other.
 */
import { createHash } from "node:crypto";
import { dropAnswer } from "../../../platform/http.ts";
import { textOf } from "../http-access.ts";
import { inParts, type Room } from "../parts.ts";
import { retrying } from "../retry.ts";
import type { Source } from "../server.ts";
import { elementsIn, textIn } from "../xml.ts";
import type { AzureClient } from "./client.ts";

const BLOCK = 8 * 2 ** 20;
const MOST_BLOCKS = 50_000;

/** False: another program has left blocks of this object that ours do not go with. Throws E_OBJECT when the bytes are not the object's. */
export async function uploadInBlocks(
  key: string,
  source: Source,
  { client, room, signal }: { client: AzureClient; room: Room; signal: AbortSignal },
): Promise<boolean> {
  const there = await blocksThere(client, key, signal);
  const blockSize = Math.max(BLOCK, Math.ceil(source.size / MOST_BLOCKS / 2 ** 20) * 2 ** 20);
  const ids: string[] = [];
  const sending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const pieces of inParts(source.chunks(), blockSize)) {
      const digest = createHash("md5");
      for (const piece of pieces) digest.update(piece);
      const md5 = digest.digest();
      const size = pieces.reduce((sum, { length }) => sum + length, 0);
      const id = idOf(ids.length, md5);
      // Azure takes only names of one length.
      if ([...there.keys()].some((other) => other.length !== id.length)) return false;
      ids.push(id);
      if (there.get(id) === size) continue;
      if (failures.length > 0) break;
      await room.enter(size);
      const one: Promise<void> = retrying(() => sendBlock({ id, pieces, size, md5: md5.toString("base64") }), { signal })
        .catch((error: unknown) => void failures.push(error))
        .finally(() => {
          room.leave(size);
          sending.delete(one);
        });
      sending.add(one);
    }
  } finally {
    await Promise.all(sending);
  }
  if (failures.length > 0) throw failures[0];
  await commit();
  return true;

  async function sendBlock({ id, pieces, size, md5 }: { id: string; pieces: Buffer[]; size: number; md5: string }): Promise<void> {
    const answer = await client.ask({
      method: "PUT",
      key,
      query: { comp: "block", blockid: id },
      headers: { "content-md5": md5 },
      body: () => pieces,
      length: size,
      signal,
      doing: `write a block of ${key}`,
    });
    dropAnswer(answer);
  }

  async function commit(): Promise<void> {
    const body = Buffer.from(
      `<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join("")}</BlockList>`,
    );
    const headers = {
      "content-type": "application/xml",
      ...(source.md5 === null ? {} : { "x-ms-blob-content-md5": Buffer.from(source.md5, "hex").toString("base64") }),
    };
    const request = { method: "PUT", key, query: { comp: "blocklist" }, headers, body: () => [body], length: body.length } as const;
    dropAnswer(await client.ask({ ...request, signal, doing: `finish ${key}` }));
  }
}

function idOf(number: number, md5: Buffer): string {
  const place = Buffer.alloc(4);
  place.writeUInt32BE(number);
  return Buffer.concat([place, md5]).toString("base64");
}

/** Sizes of the blocks that nobody has made an object of, by name. */
async function blocksThere(client: AzureClient, key: string, signal: AbortSignal): Promise<Map<string, number>> {
  const doing = `look for blocks of ${key}`;
  const answer = await client.ask({
    method: "GET",
    key,
    query: { comp: "blocklist", blocklisttype: "uncommitted" },
    signal,
    accept: ["BlobNotFound", "AuthorizationPermissionMismatch"],
    doing,
  });
  const text = await textOf(answer, { remote: client.remote, doing });
  if (answer.status >= 300) return new Map();
  return new Map(elementsIn(text, "Block").map((block) => [textIn(block, "Name") ?? "", Number(textIn(block, "Size"))]));
}
