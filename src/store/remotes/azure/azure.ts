/** Azure Blob Storage, without a library: signed requests over node's own HTTP. */
import { ExpverError } from "../../../errors.ts";
import { dropAnswer, httpClient } from "../../../platform/http.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import { flatFolders, type KeyPage } from "../flat-keys.ts";
import { bodyOf, type Environment, lengthOf, textOf, trustOf } from "../http-access.ts";
import { pagesOf } from "../pages.ts";
import { makeRoom } from "../parts.ts";
import { notOfItsKind } from "../problems.ts";
import type { Key, ObjectServer, Source } from "../server.ts";
import { elementsIn, textIn } from "../xml.ts";
import { uploadInBlocks } from "./blocks.ts";
import { azureClient } from "./client.ts";
import { findLogin } from "./credentials.ts";

const BLOCKS_IN_MEMORY = 32 * 2 ** 20;
// Larger objects are sent in blocks.
const AT_ONCE = 64 * 2 ** 20;
const DEFAULT_SECONDS = 60;

/** Throws E_CONFIG. */
export function azureServer(config: RemoteConfig, env: Environment, clock: () => Date = () => new Date()): ObjectServer {
  const { name, url, options } = config;
  const [, container = "", path = ""] = /^azure:\/\/([^/]+)\/*(.*?)\/*$/.exec(url) ?? [];
  if (container === "") throw new ExpverError("E_CONFIG", `remote ${name}: ${url} names no container; expected azure://CONTAINER/FOLDER`);
  const seconds = (key: string) => Number(options.get(key) ?? options.get("timeout") ?? DEFAULT_SECONDS) * 1000;
  const http = httpClient({
    ...trustOf(name, options, env.REQUESTS_CA_BUNDLE),
    connectTimeoutMs: seconds("connection_timeout"),
    readTimeoutMs: seconds("read_timeout"),
    env,
  });
  const client = azureClient({ remote: name, find: () => findLogin(config, env), container, http, clock });
  const room = makeRoom(BLOCKS_IN_MEMORY);
  const full = (key: Key) => (path === "" ? key : `${path}/${key}`);

  const putAtOnce = async (key: Key, source: Source, signal: AbortSignal): Promise<void> => {
    const answer = await client.ask({
      method: "PUT",
      key: full(key),
      headers: {
        "x-ms-blob-type": "BlockBlob",
        "content-type": "application/octet-stream",
        // The name is the digest: the server refuses bytes that were changed on the way.
        ...(source.md5 === null ? {} : { "content-md5": Buffer.from(source.md5, "hex").toString("base64") }),
      },
      body: () => source.chunks(),
      length: source.size,
      signal,
      doing: `write ${key}`,
    });
    dropAnswer(answer);
  };
  const putInParts = async (key: Key, source: Source, signal: AbortSignal): Promise<void> => {
    if (!(await uploadInBlocks(full(key), source, { client, room, signal }))) await putAtOnce(key, source, signal);
  };

  return {
    async find(key, signal) {
      const answer = await client.ask({ method: "HEAD", key: full(key), signal, accept: ["BlobNotFound"], doing: `look for ${key}` });
      dropAnswer(answer);
      if (answer.status >= 300) return null;
      const size = lengthOf(answer);
      if (size === undefined && answer.headers["x-ms-blob-type"] === undefined)
        throw notOfItsKind({ remote: name, doing: `look for ${key}` }, "Azure Blob Storage");
      return { size, tag: quoted(answer.headers.etag) };
    },

    async get(key, { from, signal }) {
      const doing = `read ${key}`;
      const headers: Record<string, string> = from > 0 ? { "x-ms-range": `bytes=${from}-` } : {};
      const answer = await client.ask({ method: "GET", key: full(key), headers, signal, accept: ["BlobNotFound", "InvalidRange"], doing });
      if (answer.code !== "BlobNotFound") return bodyOf(answer, { from, asked: { remote: name, doing } });
      dropAnswer(answer);
      return null;
    },

    put: (key, source, signal) => (source.size > AT_ONCE ? putInParts : putAtOnce)(key, source, signal),

    putInParts,

    identity: () => client.identity(),

    skewMs: () => client.skewMs(),

    async remove(key, signal) {
      dropAnswer(await client.ask({ method: "DELETE", key: full(key), signal, accept: ["BlobNotFound"], doing: `delete ${key}` }));
    },

    ...flatFolders(path === "" ? "" : `${path}/`, listKeys),
  };

  async function* listKeys(
    prefix: string,
    { signal, doing, delimiter }: { signal: AbortSignal; doing: string; delimiter?: string },
  ): AsyncIterable<KeyPage> {
    yield* pagesOf(page, { remote: name, doing, prefix });

    async function page(marker: string): Promise<KeyPage & { next: string }> {
      const more = { ...(delimiter === undefined ? {} : { delimiter }), ...(marker === "" ? {} : { marker }) };
      const query = { restype: "container", comp: "list", prefix, ...more };
      const answer = await client.ask({ method: "GET", key: "", query, signal, doing });
      const text = await textOf(answer, { remote: name, doing });
      const entries = elementsIn(text, "Blob").map((blob) => ({
        key: textIn(blob, "Name") ?? "",
        size: Number(textIn(blob, "Content-Length")),
        tag: quoted(textIn(blob, "Etag")),
      }));
      const folders = elementsIn(text, "BlobPrefix").map((folder) => textIn(folder, "Name") ?? "");
      return { entries, folders, next: textIn(text, "NextMarker") ?? "" };
    }
  }
}

/** As DVC writes it: a listing has it without quotes. */
function quoted(tag: string | undefined): string | undefined {
  return tag === undefined || tag.startsWith('"') ? tag : `"${tag}"`;
}
