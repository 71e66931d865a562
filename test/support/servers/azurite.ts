/** The emulator of Azure Blob Storage: one process, data in memory, one account. */
import { createHmac } from "node:crypto";
import { peer } from "../peers.ts";
import { freePort, startServer, stopServer } from "./programs.ts";

export const ACCOUNT = "store";
export const KEY = Buffer.from("the key of the account").toString("base64");

export interface Azurite {
  /** With the account in its path. */
  url: string;
  connectionString: string;
  /** A SAS token of the account with these permissions; `w` and `c` are writing, `r` reading, `l` listing, `d` deleting. */
  sas(permissions: string, options?: { ends?: Date }): string;
  makeContainer(name: string, options?: { isPublic?: boolean }): Promise<void>;
  plant(container: string, key: string, bytes: Uint8Array): Promise<void>;
  contents(container: string, folder: string): Promise<Map<string, Buffer>>;
  stop(): Promise<void>;
}

/** Comes from npm, beside dvc: scripts/peers.sh. */
export function azuriteProgram(): string | null {
  return peer("python") === null ? null : peer("azurite-blob");
}

export async function startAzurite(): Promise<Azurite> {
  const program = azuriteProgram();
  if (program === null) throw new Error("azurite is not installed");
  const port = await freePort();
  const args = [
    "--inMemoryPersistence",
    "--disableTelemetry",
    "--skipApiVersionCheck",
    "--silent",
    "--blobHost",
    "127.0.0.1",
    "--blobPort",
    String(port),
  ];
  const env = { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` };
  const child = await startServer(program, args, { port, env });
  const url = `http://127.0.0.1:${port}/${ACCOUNT}`;
  const at = (container: string, key: string, query: Record<string, string> = {}) => {
    const path = [container, ...key.split("/")].filter(Boolean).map(encodeURIComponent).join("/");
    return `${url}/${path}?${new URLSearchParams(query)}&${sas("rwdlac")}`;
  };
  const must = async (address: string, init?: RequestInit) => {
    // A connection that is kept while this process is busy may be closed when it is used again.
    const answer = await fetch(address, { ...init, headers: { ...(init?.headers as Record<string, string>), connection: "close" } });
    if (!answer.ok) throw new Error(`${address} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  return {
    url,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${url};`,
    sas,
    async makeContainer(name, { isPublic = false } = {}) {
      const headers: Record<string, string> = isPublic ? { "x-ms-blob-public-access": "container" } : {};
      await must(at(name, "", { restype: "container" }), { method: "PUT", headers });
    },
    async plant(container, key, bytes) {
      await must(at(container, key), { method: "PUT", body: bytes as Uint8Array<ArrayBuffer>, headers: { "x-ms-blob-type": "BlockBlob" } });
    },
    async contents(container, folder) {
      const found = new Map<string, Buffer>();
      for (let marker = ""; ; ) {
        const query = { restype: "container", comp: "list", prefix: `${folder}/`, ...(marker === "" ? {} : { marker }) };
        const text = await (await must(at(container, "", query))).text();
        for (const [, name = ""] of text.matchAll(/<Name>([^<]*)<\/Name>/g)) {
          const key = name.replaceAll("&amp;", "&");
          found.set(key.slice(folder.length + 1), Buffer.from(await (await must(at(container, key))).arrayBuffer()));
        }
        marker = /<NextMarker>([^<]+)</.exec(text)?.[1] ?? "";
        if (marker === "") return found;
      }
    },
    stop: () => stopServer(child),
  };
}

/** As Azure documents it, for services, containers and objects of blobs. */
function sas(permissions: string, { ends = new Date(Date.now() + 3_600_000) }: { ends?: Date } = {}): string {
  const [version, end] = ["2020-08-04", `${ends.toISOString().slice(0, 19)}Z`];
  const text = [ACCOUNT, permissions, "b", "sco", "", end, "", "https,http", version, ""].join("\n");
  const sig = createHmac("sha256", Buffer.from(KEY, "base64")).update(text).digest("base64");
  return String(new URLSearchParams({ sv: version, ss: "b", srt: "sco", sp: permissions, se: end, spr: "https,http", sig }));
}
