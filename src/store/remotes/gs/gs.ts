/** Google Cloud Storage, without a library: its JSON API over node's own HTTP. */
import { ExpverError } from "../../../errors.ts";
import { dropAnswer, httpClient } from "../../../platform/http.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import { flatFolders, type KeyPage } from "../flat-keys.ts";
import { bodyOf, type Environment, textOf, trustOf } from "../http-access.ts";
import { encodeStrictly } from "../keys.ts";
import { once } from "../once.ts";
import { pagesOf } from "../pages.ts";
import { notOfItsKind } from "../problems.ts";
import type { Found, Key, ObjectServer } from "../server.ts";
import { parseJson } from "../token-source.ts";
import { gsClient } from "./client.ts";
import { findToken } from "./credentials.ts";
import { sessionOf } from "./sessions.ts";
import { type Item, type Upload, uploadAtOnce, uploadResumably } from "./upload.ts";

// Larger objects are sent so that what breaks off can be taken up.
const AT_ONCE = 16 * 2 ** 20;
const TIMEOUT_MS = 60_000;

/** Throws E_CONFIG. */
export function gsServer(config: RemoteConfig, env: Environment, clock: () => Date = () => new Date()): ObjectServer {
  const { name, url, options, stateDir } = config;
  const [, bucketName = "", path = ""] = /^gs:\/\/([^/]+)\/*(.*?)\/*$/.exec(url) ?? [];
  if (bucketName === "") throw new ExpverError("E_CONFIG", `remote ${name}: ${url} names no bucket; expected gs://BUCKET/FOLDER`);
  const endpoint = endpointOf(config, env);
  const http = httpClient({
    ...trustOf(name, options, env.REQUESTS_CA_BUNDLE),
    connectTimeoutMs: TIMEOUT_MS,
    readTimeoutMs: TIMEOUT_MS,
    env,
  });
  const isGoogle = /storage\.googleapis\.com$/.test(endpoint.hostname);
  const client = gsClient({ remote: name, endpoint, http, find: () => findToken(config, { env, clock, isGoogle }), clock });
  const bucket = encodeStrictly(bucketName);
  const objects = `storage/v1/b/${bucket}/o`;
  const full = (key: Key) => (path === "" ? key : `${path}/${key}`);
  const at = (key: Key) => `${objects}/${encodeStrictly(full(key))}`;
  const uploadOf = (key: Key, source: Upload["source"], signal: AbortSignal) => {
    const session = sessionOf(stateDir === undefined ? null : `${stateDir}/gs-uploads`, {
      endpoint: endpoint.href,
      bucket,
      name: full(key),
      size: source.size,
    });
    return { client, bucket, name: full(key), source, signal, session };
  };

  /** "Not there" of an object may mean the bucket. */
  const needBucket = once(async (signal: AbortSignal) => {
    const query = { maxResults: "1", fields: "kind" };
    dropAnswer(await client.ask({ method: "GET", path: objects, query, accept: [403], signal, doing: "find the bucket" }));
  });

  const upload = (key: Key, source: Upload["source"], signal: AbortSignal): Promise<Item> =>
    (source.size > AT_ONCE ? uploadResumably : uploadAtOnce)(uploadOf(key, source, signal));

  /** Everything has a generation, also where older ones are thrown away: the bucket says so, to those who may ask. */
  const keepsVersions = once(async (signal: AbortSignal): Promise<boolean> => {
    const doing = "ask whether the bucket keeps versions";
    const query = { fields: "versioning" };
    const answer = await client.ask({ method: "GET", path: `storage/v1/b/${bucket}`, query, accept: [401, 403], signal, doing });
    const said = parseJson(await textOf(answer, { remote: name, doing }));
    return answer.status >= 400 || (said?.versioning as { enabled?: unknown } | undefined)?.enabled === true;
  });

  return {
    async find(key, signal, version) {
      if (isNoVersion(version)) return null;
      const doing = `look for ${key}`;
      const answer = await client.ask({
        method: "GET",
        path: at(key),
        query: { fields: "size,etag,generation,md5Hash", ...ofVersion(version) },
        signal,
        accept: [404],
        doing,
      });
      const text = await textOf(answer, { remote: name, doing });
      const found = foundIn(parseJson(text));
      if (answer.status !== 404 && found.size === undefined) throw notOfItsKind({ remote: name, doing }, "Google Cloud Storage");
      if (answer.status !== 404) return found;
      await needBucket(signal);
      return null;
    },

    async get(key, { from, signal, version }) {
      if (isNoVersion(version)) return null;
      const doing = `read ${key}`;
      const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
      const answer = await client.ask({
        method: "GET",
        path: at(key),
        query: { alt: "media", ...ofVersion(version) },
        headers,
        signal,
        accept: [404, 416],
        doing,
      });
      if (answer.status !== 404) return bodyOf(answer, { from, asked: { remote: name, doing } });
      dropAnswer(answer);
      await needBucket(signal);
      return null;
    },

    async put(key, source, signal) {
      await upload(key, source, signal);
    },

    async putVersion(key, source, signal) {
      const { version, ...found } = foundIn(await upload(key, source, signal));
      return (await keepsVersions(signal)) ? { ...found, version } : found;
    },

    keepsVersions,

    async putInParts(key, source, signal) {
      await uploadResumably(uploadOf(key, source, signal));
    },

    identity: async () => (await client.token())?.source ?? "nobody (no credentials are sent)",

    skewMs: () => client.skewMs(),

    async remove(key, signal, version) {
      const request = { method: "DELETE", path: at(key), query: ofVersion(version), signal, accept: [404] } as const;
      dropAnswer(await client.ask({ ...request, doing: `delete ${key}` }));
    },

    ...flatFolders(
      path === "" ? "" : `${path}/`,
      (prefix, options) => listKeys(prefix, options),
      (prefix, options) => listKeys(prefix, options, { versions: "true" }),
    ),
  };

  async function* listKeys(
    prefix: string,
    { signal, doing, delimiter }: { signal: AbortSignal; doing: string; delimiter?: string },
    which: Record<string, string> = {},
  ): AsyncIterable<KeyPage> {
    yield* pagesOf(page, { remote: name, doing, prefix });

    async function page(pageToken: string): Promise<KeyPage & { next: string }> {
      const more = { ...(delimiter === undefined ? {} : { delimiter }), ...(pageToken === "" ? {} : { pageToken }) };
      const ofEach = ["name,size,etag", ...(which.versions === undefined ? [] : ["generation,md5Hash,timeDeleted"])].join(",");
      const query = { prefix, fields: `items(${ofEach}),prefixes,nextPageToken`, ...which, ...more };
      const answer = await client.ask({ method: "GET", path: objects, query, signal, doing });
      const answered = parseJson(await textOf(answer, { remote: name, doing }));
      const items: (Item & { name?: unknown; timeDeleted?: unknown })[] = Array.isArray(answered?.items) ? answered.items : [];
      const entries = items.map((item) => {
        const found = foundIn(item);
        return {
          ...found,
          key: String(item?.name ?? ""),
          size: found.size ?? 0,
          tag: found.tag,
          isNewest: item?.timeDeleted === undefined,
        };
      });
      const folders = (Array.isArray(answered?.prefixes) ? answered.prefixes : []).map(String);
      return { entries, folders, next: typeof answered?.nextPageToken === "string" ? answered.nextPageToken : "" };
    }
  }
}

/** `endpointurl`, or the emulator the environment names. Throws E_CONFIG. */
function endpointOf({ name, options }: RemoteConfig, env: Environment): URL {
  const emulator = env.STORAGE_EMULATOR_HOST || undefined;
  const text =
    options.get("endpointurl") ||
    (emulator === undefined || /^https?:/.test(emulator) ? emulator : `http://${emulator}`) ||
    "https://storage.googleapis.com";
  if (!URL.canParse(text))
    throw new ExpverError("E_CONFIG", `remote ${name}: ${text} is no URL`, { hint: "It begins with http:// or https://." });
  return new URL(`${text.replace(/\/*$/, "")}/`);
}

function ofVersion(version: string | undefined): Record<string, string> {
  return version === undefined ? {} : { generation: version };
}

/** What the server would refuse: a name that no version can have. */
function isNoVersion(version: string | undefined): boolean {
  return version !== undefined && !/^\d{1,19}$/.test(version);
}

function foundIn(item: Item): Found {
  const version = typeof item?.generation === "string" ? item.generation : undefined;
  const md5 = typeof item?.md5Hash === "string" ? Buffer.from(item.md5Hash, "base64").toString("hex") : undefined;
  return { size: sizeOf(item), tag: tagOf(item), version, md5 };
}

/** Google writes sizes as text. */
function sizeOf(item: { size?: unknown } | null): number | undefined {
  const size = Number(item?.size ?? Number.NaN);
  return Number.isSafeInteger(size) ? size : undefined;
}

/** As DVC writes it: the bytes behind the text, in hexadecimal digits. */
function tagOf(item: { etag?: unknown } | null): string | undefined {
  return typeof item?.etag === "string" ? Buffer.from(item.etag, "base64").toString("hex") : undefined;
}
