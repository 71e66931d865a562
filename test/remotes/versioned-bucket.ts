/** Buckets that keep every version of what is in them. */
import { dropAnswer } from "../../src/platform/http.ts";
import { s3Server } from "../../src/store/remotes/s3/s3.ts";
import { keysOf, type Seaweed } from "../support/servers/seaweed.ts";

/** Makes such a bucket. */
export async function keepVersions(server: Seaweed, bucket: string): Promise<void> {
  await server.makeBucket(bucket);
  const url = `s3://${bucket}`;
  const { client } = s3Server(
    { name: bucket, url, options: new Map(Object.entries({ url, endpointurl: server.url, ...keysOf("all") })) },
    {},
  );
  const body = Buffer.from("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  const { signal } = new AbortController();
  const request = { method: "PUT", key: "", query: { versioning: "" }, body: () => [body], length: body.length, signal } as const;
  dropAnswer(await client.ask({ ...request, doing: "turn versions on" }));
}

/** The versions a pointer file names, in its order. */
export function versionsOf(pointer: string): string[] {
  return [...pointer.matchAll(/version_id: '?([^'\n]+)'?$/gm)].map(([, version = ""]) => version);
}
