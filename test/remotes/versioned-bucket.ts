/** Buckets that keep every version of what is in them. */
import { createHash } from "node:crypto";
import { dropAnswer } from "../../src/platform/http.ts";
import { type S3Server, s3Server } from "../../src/store/remotes/s3/s3.ts";
import { keysOf, type Seaweed } from "../support/servers/seaweed.ts";

/** Makes such a bucket. */
export async function keepVersions(server: Seaweed, bucket: string): Promise<void> {
  await server.makeBucket(bucket);
  const { client } = openBucket(server, bucket);
  const body = Buffer.from("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  const request = { method: "PUT", key: "", query: { versioning: "" }, body: () => [body], length: body.length, signal } as const;
  dropAnswer(await client.ask({ ...request, doing: "turn versions on" }));
}

/** The newest version of everything below a folder. */
export async function newestIn(server: Seaweed, bucket: string, folder: string): Promise<[relpath: string, text: string][]> {
  const there = openBucket(server, bucket);
  const found: [string, string][] = [];
  for await (const page of there.walk?.(folder, signal) ?? []) {
    for (const { key, relpath } of page) {
      const pieces: Buffer[] = [];
      for await (const piece of (await there.get(key, { from: 0, signal }))?.bytes ?? []) pieces.push(Buffer.from(piece));
      found.push([relpath, Buffer.concat(pieces).toString()]);
    }
  }
  return found;
}

const { signal } = new AbortController();

export function openBucket({ url: endpointurl }: Seaweed, bucket: string, who: Parameters<typeof keysOf>[0] = "all"): S3Server {
  const url = `s3://${bucket}`;
  const options = { url, endpointurl, ...keysOf(who), version_aware: "true" };
  return s3Server({ name: bucket, url, options: new Map(Object.entries(options)) }, {});
}

/** What another program puts there under a name. */
export async function putByOtherHands(server: Seaweed, bucket: string, key: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  const md5 = createHash("md5").update(bytes).digest("hex");
  async function* chunks() {
    yield bytes;
  }
  await openBucket(server, bucket).put(key, { size: bytes.length, md5, chunks }, signal);
}

export async function dropVersion(server: Seaweed, bucket: string, { key, version }: { key: string; version: string }): Promise<void> {
  await openBucket(server, bucket).remove(key, signal, version);
}

/** The versions a pointer file names, in its order. */
export function versionsOf(pointer: string): string[] {
  return [...pointer.matchAll(/version_id: '?([^'\n]+)'?$/gm)].map(([, version = ""]) => version);
}
