/** S3 and everything that speaks like it, without a library: signed requests over node's own HTTP. */

import { ExpverError } from "../../../errors.ts";
import { dropAnswer, httpClient } from "../../../platform/http.ts";
import { compareCodePoints } from "../../objects/listing.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import { flatFolders, type KeyPage } from "../flat-keys.ts";
import { bodyOf, type Environment, lengthOf, textOf, trustOf } from "../http-access.ts";
import { once } from "../once.ts";
import { pagesOf } from "../pages.ts";
import { makeRoom } from "../parts.ts";
import { notOfItsKind } from "../problems.ts";
import type { Found, Key, ObjectServer, Source } from "../server.ts";
import { elementsIn, textIn } from "../xml.ts";
import { readAwsFiles } from "./aws-files.ts";
import { type S3Client, s3Client } from "./client.ts";
import { findCredentials } from "./credentials.ts";
import { uploadInParts } from "./multipart.ts";
import { bareTag, namedVersion, versionNames } from "./names.ts";
import { s3Settings } from "./settings.ts";

const PARTS_IN_MEMORY = 32 * 2 ** 20;
const DEFAULT_SECONDS = 60;

/** For `remote check`, which also asks who we are. */
export interface S3Server extends ObjectServer {
  client: S3Client;
}

export function s3Server(config: RemoteConfig, env: Environment, clock: () => Date = () => new Date()): S3Server {
  const { name, options } = config;
  const files = readAwsFiles(options, env);
  const settings = s3Settings(config, { env, files });
  const seconds = (key: string) => Number(options.get(key) ?? DEFAULT_SECONDS) * 1000;
  const http = httpClient({
    ...trustOf(name, options, env.AWS_CA_BUNDLE),
    connectTimeoutMs: seconds("connect_timeout"),
    readTimeoutMs: seconds("read_timeout"),
    env,
  });
  const find = () => findCredentials({ remote: name, options, env, files, region: settings.region });
  const client = s3Client({ remote: name, settings, http, find, clock });
  const names = versionNames(options);
  const room = makeRoom(PARTS_IN_MEMORY);
  const { reading } = settings;
  const full = (key: Key) => settings.prefix + key;

  /** "Not there" of an object may mean the bucket. */
  const needBucket = once(async (signal: AbortSignal) => {
    const query = { "list-type": "2", "max-keys": "1", prefix: settings.prefix };
    dropAnswer(await client.ask({ method: "GET", key: "", query, accept: [403], signal, doing: "find the bucket" }));
  });

  return {
    client,
    async find(key, signal, version): Promise<Found | null> {
      const query = names.ask(version);
      const head = await client.ask({
        method: "HEAD",
        key: full(key),
        query,
        headers: reading,
        signal,
        accept: [301, 307, 400, 403, 404, ...names.refusals(version)],
        doing: `look for ${key}`,
      });
      dropAnswer(head);
      const length = lengthOf(head);
      if (head.status < 300 && length !== undefined) return { size: length, ...names.of(head) };
      // A deletion is a version too, of which there is nothing to get.
      if (head.status === 404 || head.status === 405) {
        await needBucket(signal);
        return null;
      }
      // A HEAD says no reason, and on its way may lose the size: GET does.
      const asking = client.ask({
        method: "GET",
        key: full(key),
        query,
        headers: { ...reading, range: "bytes=0-0" },
        signal,
        accept: [404, 416, ...names.refusals(version)],
        doing: `look for ${key}`,
      });
      const answer = await names.orNone(asking, version);
      if (answer === null) return null;
      dropAnswer(answer);
      if (answer.status >= 400 && answer.status !== 416) return null;
      const size = answer.status === 416 ? 0 : Number(/\/(\d+)$/.exec(answer.headers["content-range"] ?? "")?.[1] ?? lengthOf(answer));
      if (!Number.isFinite(size)) throw notOfItsKind({ remote: name, doing: `look for ${key}` }, "S3 store");
      return { size, ...names.of(answer) };
    },

    async get(key, { from, signal, version }) {
      const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
      const doing = `read ${key}`;
      const asking = client.ask({
        method: "GET",
        key: full(key),
        query: names.ask(version),
        headers: { ...reading, ...range },
        signal,
        accept: [404, 416, ...names.refusals(version)],
        doing,
      });
      const answer = await names.orNone(asking, version);
      if (answer === null) return null;
      if (answer.status < 400 || answer.status === 416) return bodyOf(answer, { from, asked: { remote: name, doing } });
      const code = textIn(await textOf(answer, { remote: name, doing }), "Code");
      if (code !== "NoSuchBucket") return null;
      throw new ExpverError("E_REMOTE_ABSENT", `remote ${name}: there is no bucket ${settings.bucket}`, { details: { remote: name } });
    },

    async put(key, source, signal) {
      await putVersion(key, source, signal);
    },

    putVersion,

    putInParts: async (key, source, signal) => {
      await uploadInParts(full(key), source, { tools: { client, settings, room, names }, signal });
    },

    async identity() {
      const found = await client.credentials();
      return found === null ? "nobody (allow_anonymous_login)" : `${found.accessKeyId}, from ${found.source}`;
    },

    skewMs: () => client.skewMs(),

    async remove(key, signal, version) {
      const request = { method: "DELETE", key: full(key), query: names.ask(version), signal, accept: [404] } as const;
      dropAnswer(await client.ask({ ...request, doing: `delete ${key}` }));
    },

    ...flatFolders(settings.prefix, listing, versionListing),
  };

  async function putVersion(key: Key, source: Source, signal: AbortSignal): Promise<Found> {
    const { size } = source;
    if (size > settings.multipartThreshold)
      return { size, ...(await uploadInParts(full(key), source, { tools: { client, settings, room, names }, signal })) };
    const answer = await client.ask({
      method: "PUT",
      key: full(key),
      headers: {
        ...settings.writing,
        ...reading,
        // The name is the digest: the server refuses bytes that were changed on the way.
        ...(source.md5 === null ? {} : { "content-md5": Buffer.from(source.md5, "hex").toString("base64") }),
      },
      body: () => source.chunks(),
      length: source.size,
      signal,
      doing: `write ${key}`,
    });
    dropAnswer(answer);
    return { size, ...names.of(answer) };
  }

  async function* listing(
    prefix: string,
    { signal, doing, delimiter }: { signal: AbortSignal; doing: string; delimiter?: string },
  ): AsyncIterable<KeyPage> {
    yield* pagesOf(page, { remote: name, doing, prefix });

    async function page(token: string): Promise<KeyPage & { next: string }> {
      const query = { "list-type": "2", prefix, ...(delimiter === undefined ? {} : { delimiter }), ...goingOn(token) };
      const answer = await client.ask({ method: "GET", key: "", query, signal, doing });
      const text = await textOf(answer, { remote: name, doing });
      const entries = elementsIn(text, "Contents").map((entry) => ({
        key: textIn(entry, "Key") ?? "",
        size: Number(textIn(entry, "Size")),
        tag: bareTag(textIn(entry, "ETag")),
      }));
      const folders = elementsIn(text, "CommonPrefixes").map((entry) => textIn(entry, "Prefix") ?? "");
      if (textIn(text, "IsTruncated") !== "true") return { entries, folders, next: "" };
      const given = textIn(text, "NextContinuationToken");
      const last = textIn(text, "NextMarker") ?? [...entries.map(({ key }) => key), ...folders].sort(compareCodePoints).at(-1);
      return { entries, folders, next: JSON.stringify(given ? { "continuation-token": given } : behind(last, doing)) };
    }
  }

  /** Servers that know only the first way of listing give no token: their next page is asked for by the last name of this one. */
  function behind(last: string | undefined, doing: string): Record<string, string> {
    if (last) return { marker: last, "start-after": last };
    throw new ExpverError("E_REMOTE_ANSWER", `remote ${name}: cannot ${doing}: the server says there is more, but not where it goes on`, {
      details: { remote: name },
    });
  }

  async function* versionListing(prefix: string, { signal, doing }: { signal: AbortSignal; doing: string }): AsyncIterable<KeyPage> {
    yield* pagesOf(page, { remote: name, doing, prefix });

    async function page(token: string): Promise<KeyPage & { next: string }> {
      const answer = await client.ask({ method: "GET", key: "", query: { versions: "", prefix, ...goingOn(token) }, signal, doing });
      const text = await textOf(answer, { remote: name, doing });
      // Deletions stand beside them, as elements of another name.
      const entries = elementsIn(text, "Version").map((entry) => ({
        key: textIn(entry, "Key") ?? "",
        size: Number(textIn(entry, "Size")),
        tag: bareTag(textIn(entry, "ETag")),
        version: namedVersion(textIn(entry, "VersionId")),
        isNewest: textIn(entry, "IsLatest") === "true",
      }));
      if (textIn(text, "IsTruncated") !== "true") return { entries, folders: [], next: "" };
      const key = textIn(text, "NextKeyMarker");
      const version = textIn(text, "NextVersionIdMarker");
      if (!key) behind(undefined, doing);
      return { entries, folders: [], next: JSON.stringify({ "key-marker": key, ...(version ? { "version-id-marker": version } : {}) }) };
    }
  }
}

/** What asks for the next page, as the page before said it. */
function goingOn(token: string): Record<string, string> {
  return token === "" ? {} : JSON.parse(token);
}
