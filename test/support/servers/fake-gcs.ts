/** The emulator of Google Cloud Storage: one process, data in memory, nobody is asked who they are. */
import { peer } from "../peers.ts";
import { freePort, startServer, stopServer } from "./programs.ts";

export interface FakeGcs {
  /** Endpoint. */
  url: string;
  makeBucket(name: string, options?: { keepsVersions: boolean }): Promise<void>;
  plant(bucket: string, key: string, bytes: Uint8Array): Promise<void>;
  contents(bucket: string, folder: string): Promise<Map<string, Buffer>>;
  stop(): Promise<void>;
}

/** Comes from PyPI, beside dvc: scripts/peers.sh. */
export function fakeGcsProgram(): string | null {
  return peer("python") === null ? null : peer("fake-gcs-server");
}

export async function startFakeGcs(): Promise<FakeGcs> {
  const program = fakeGcsProgram();
  if (program === null) throw new Error("fake-gcs-server is not installed");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory", "-log-level", "error"];
  const child = await startServer(program, [...args, "-external-url", url], { port });
  const must = async (address: string, init?: RequestInit) => {
    // A connection that is kept while this process is busy may be closed when it is used again.
    const answer = await fetch(address, { ...init, headers: { ...(init?.headers as Record<string, string>), connection: "close" } });
    if (!answer.ok) throw new Error(`${address} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const json = { "content-type": "application/json" };
  return {
    url,
    async makeBucket(name, { keepsVersions: enabled } = { keepsVersions: false }) {
      await must(`${url}/storage/v1/b`, { method: "POST", headers: json, body: JSON.stringify({ name, versioning: { enabled } }) });
    },
    async plant(bucket, key, bytes) {
      const query = new URLSearchParams({ uploadType: "media", name: key });
      await must(`${url}/upload/storage/v1/b/${bucket}/o?${query}`, { method: "POST", body: bytes as Uint8Array<ArrayBuffer> });
    },
    async contents(bucket, folder) {
      const found = new Map<string, Buffer>();
      for (let pageToken = ""; ; ) {
        const query = new URLSearchParams({ prefix: `${folder}/`, ...(pageToken === "" ? {} : { pageToken }) });
        const page = (await (await must(`${url}/storage/v1/b/${bucket}/o?${query}`)).json()) as {
          items?: { name: string }[];
          nextPageToken?: string;
        };
        for (const { name } of page.items ?? []) {
          const answer = await must(`${url}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`);
          found.set(name.slice(folder.length + 1), Buffer.from(await answer.arrayBuffer()));
        }
        pageToken = page.nextPageToken ?? "";
        if (pageToken === "") return found;
      }
    },
    stop: () => stopServer(child),
  };
}
