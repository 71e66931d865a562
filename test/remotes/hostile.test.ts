/** Servers that are broken, or somebody else's: whatever they send, it ends with a clear error, little is taken, and nothing is kept. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ExpverError } from "../../src/errors.ts";
import { openUrl } from "../../src/store/sources/url-source.ts";
import { makeFolder } from "../support/repository.ts";
import { smallDisk } from "../support/small-disk.ts";
import { makeCache, md5, open, walk } from "./conformance.ts";

const MIB = 2 ** 20;
const KEY = Buffer.from("key").toString("base64");

type Behave = (asked: IncomingMessage, answer: ServerResponse) => void;

/** A server that does what it is told next. */
interface Stub {
  url: string;
  asked: IncomingMessage[];
  /** Bytes of bodies it got rid of. */
  sent: number;
  behave: Behave;
  stop(): void;
}

async function startStub(): Promise<Stub> {
  const stub: Stub = { url: "", asked: [], sent: 0, behave: (_, answer) => void answer.end(), stop: () => server.closeAllConnections() };
  const server = createServer((asked, answer) => {
    stub.asked.push(asked);
    asked.resume();
    const { write } = answer;
    answer.write = (chunk: Buffer, ...rest: unknown[]) => {
      stub.sent += chunk.length;
      return (write as (...args: unknown[]) => boolean).call(answer, chunk, ...rest);
    };
    answer.on("error", () => {});
    stub.behave(asked, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stub.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return stub;
}

/** Goes on until nobody reads any more. */
function endless(answer: ServerResponse, piece: Buffer | string): void {
  const chunk = Buffer.from(piece);
  const more = () => {
    while (!answer.destroyed && answer.write(chunk));
  };
  answer.on("drain", more);
  more();
}

const SITES: Record<string, (url: string) => { url: string; options: Record<string, string> }> = {
  http: (url) => ({ url: `${url}/base`, options: { auth: "basic", user: "ada", password: "secret" } }),
  webdav: (url) => ({ url: `${url.replace("http", "webdav")}/base`, options: { user: "ada", password: "secret" } }),
  s3: (url) => ({ url: "s3://bucket/base", options: { endpointurl: url, access_key_id: "ada", secret_access_key: "secret" } }),
  azure: (url) => ({
    url: "azure://container/base",
    options: { connection_string: `AccountName=ada;AccountKey=${KEY};BlobEndpoint=${url}/ada` },
  }),
  gs: (url) => ({ url: "gs://bucket/base", options: { endpointurl: url } }),
};

let stub: Stub;
let other: Stub;
beforeAll(async () => {
  [stub, other] = [await startStub(), await startStub()];
});
beforeEach(() => {
  for (const one of [stub, other]) Object.assign(one, { asked: [], sent: 0, behave: (_: unknown, answer: ServerResponse) => answer.end() });
});
afterAll(() => {
  stub?.stop();
  other?.stop();
});

const site = (kind: string) => SITES[kind]?.(stub.url) ?? { url: "", options: {} };
const named = (text: string) => ({ hash: md5(Buffer.from(text)), hashName: "md5" as const });

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "fine",
    (error: unknown) => {
      if (error instanceof ExpverError) return error.code;
      throw error;
    },
  );
}

describe.each(Object.keys(SITES))("%s", (kind) => {
  /** Fetches one object; answers the code of what went wrong, and what is in the cache afterwards. */
  async function fetchOne(object: { hash: string; hashName: "md5"; within?: number }, cache = makeCache()) {
    const [failure] = await cache.receive(open(site(kind)), [object]);
    return { code: failure?.error?.code ?? (failure === undefined ? "fine" : "absent"), files: walk(cache.dir).length };
  }

  it("gives up an object that has no end, and keeps nothing of it", async () => {
    stub.behave = (_, answer) => endless(answer, "x".repeat(MIB));
    expect(await fetchOne({ ...named("small"), within: 5 })).toEqual({ code: "E_OBJECT", files: 0 });
    expect(stub.asked).toHaveLength(1);
    expect(stub.sent).toBeLessThan(100 * MIB);
  });

  it("takes nothing that is announced to be larger than the disk, or than a listing can be", async () => {
    stub.behave = (_, answer) => {
      answer.writeHead(200, { "content-length": String(2 ** 52) });
      endless(answer, "x".repeat(MIB));
    };
    expect(await fetchOne(named("small"))).toEqual({ code: "E_DISK_FULL", files: 0 });
    expect(await codeOf(open(site(kind)).read({ hash: `${named("folder").hash}.dir`, hashName: "md5" }))).toBe("E_OBJECT");
    expect(stub.sent).toBeLessThan(30 * MIB);
  });

  it("begins anew when other bytes come than were asked for", async () => {
    const text = "0123456789".repeat(MIB / 2);
    stub.behave = (asked, answer) => {
      const range = asked.headers["x-ms-range"] ?? asked.headers.range;
      if (range !== undefined) return void answer.writeHead(206, { "content-range": "bytes 3-9/10" }).end(text.slice(3));
      if (stub.asked.length > 1) return void answer.end(text);
      answer.writeHead(200, { "content-length": text.length });
      answer.write(Buffer.from(text.slice(0, 2 * MIB)), () => answer.destroy());
    };
    expect(await fetchOne(named(text))).toEqual({ code: "fine", files: 1 });
    expect(stub.asked).toHaveLength(3);
  });

  it("does not unpack what comes packed", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MIB));
    stub.behave = (_, answer) => void answer.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    expect(await fetchOne(named("small"))).toEqual({ code: "E_OBJECT", files: 0 });
  });

  it("reads only the beginning of what a refusal says", async () => {
    stub.behave = (_, answer) => {
      answer.writeHead(403);
      endless(answer, `${'<a href="">&lol;{"error":['.repeat(1000)}\n`);
    };
    // Nobody has introduced himself to Google's server.
    expect((await fetchOne(named("small"))).code).toBe(kind === "gs" ? "E_REMOTE_AUTH" : "E_REMOTE_FORBIDDEN");
    expect(stub.sent).toBeLessThan(20 * MIB);
  });

  it.each(["file:///etc/passwd", "gopher://x/", "http://[", "/again"])("is not led to %s", async (location) => {
    stub.behave = (_, answer) => void answer.writeHead(307, { location }).end();
    expect(await fetchOne(named("small"))).toEqual({ code: "E_REMOTE_ANSWER", files: 0 });
    expect(await codeOf(open(site(kind)).present([named("small")], {}))).toBe("E_REMOTE_ANSWER");
  });

  it("shows its credentials to no other host", async () => {
    stub.behave = (_, answer) => void answer.writeHead(307, { location: `${other.url}/taken` }).end();
    other.behave = (_, answer) => void answer.end("no");
    await fetchOne(named("small"));
    const shown = other.asked.flatMap(({ headers }) => Object.keys(headers).filter((name) => /auth|token|x-amz|x-ms/.test(name)));
    expect(shown).toEqual([]);
    if (kind !== "http" && kind !== "webdav") expect(other.asked).toEqual([]);
  });

  it("gets no names and sizes out of rubbish, and does not break of it", async () => {
    for (const text of [
      "",
      "[]",
      "[null]",
      '{"items":[null,3,{"name":{}}]}',
      "<".repeat(1000),
      "<Contents><Key>&#x110000;&#99999999;",
      "\0",
    ]) {
      stub.behave = (_, answer) => void answer.writeHead(200, { date: "never" }).end(text);
      const objects = ["a", "b", "c", "d"].map(named).map((object) => ({ ...object, size: 77 }));
      expect(["fine", "E_REMOTE_ANSWER"]).toContain(await codeOf(open(site(kind)).present(objects, {})));
    }
  });
});

/** What a page looks like: entries of the store, and what to ask for next. */
const PAGES: Record<string, (keys: readonly string[], next: string) => string> = {
  s3: (keys, next) =>
    `<ListBucketResult>${keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join("")}<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken></ListBucketResult>`,
  azure: (keys, next) =>
    `<EnumerationResults><Blobs>${keys.map((key) => `<Blob><Name>${key}</Name><Properties><Content-Length>1</Content-Length></Properties></Blob>`).join("")}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
  gs: (keys, next) => JSON.stringify({ items: keys.map((name) => ({ name, size: "1", etag: "x" })), nextPageToken: next }),
};
const lastPage = (kind: string, keys: readonly string[]) => PAGES[kind]?.(keys, "").replace("true", "false") ?? "";

describe.each(Object.keys(PAGES))("a list of %s", (kind) => {
  const prefixOf = (asked: IncomingMessage) => new URL(asked.url ?? "", stub.url).searchParams.get("prefix") ?? "";

  /** Lists these; nothing that is asked for by its name is there. */
  const listing =
    (keys: (prefix: string) => string[], before = ""): Behave =>
    (asked, answer) => {
      if (/[?&]prefix=|\/o\?/.test(asked.url ?? "")) answer.end(before + lastPage(kind, keys(prefixOf(asked))));
      else answer.writeHead(404, { "x-ms-error-code": "BlobNotFound" }).end(lastPage(kind, []));
    };

  it.each<[how: string, next: (page: number) => string, keys: (prefix: string) => string[]]>([
    ["the same page", () => "same", (prefix) => [`${prefix}x`]],
    ["a circle of pages", (page) => `page${page % 3}`, (prefix) => [`${prefix}x`]],
    ["pages with nothing", (page) => `page${page}`, () => []],
    ["a token as long as a book", (page) => `${page}`.repeat(MIB), () => []],
  ])("ends though the server always has a next one: %s", async (_, next, keys) => {
    let page = 0;
    stub.behave = (asked, answer) => {
      page += 1;
      answer.end(PAGES[kind]?.(keys(prefixOf(asked)), next(page)));
    };
    const { url, options } = site(kind);
    const source = openUrl(`${url}/folder`, { place: null, env: process.env, options: new Map(Object.entries(options)) });
    expect(await codeOf(source.list(null, {}))).toBe("E_REMOTE_ANSWER");
    expect(page).toBeLessThan(1100);
  });

  it.each<[what: string, code: string, keys: string[]]>([
    ["what is above the folder", "E_DATA", ["base/folder/../../../etc/passwd"]],
    ["a path of the machine", "E_DATA", ["base/folder//etc/passwd"]],
    ["a name with the end of a text in it", "E_DATA", [kind === "gs" ? "base/folder/a\0b" : "base/folder/a&#0;b"]],
    ["another folder's files", "E_REMOTE_ANSWER", ["base/other/a"]],
    ["a name twice", "E_DATA", ["base/folder/a", "base/folder/a"]],
  ])("brings nothing when it has %s", async (_, code, keys) => {
    stub.behave = listing(() => keys);
    const { url, options } = site(kind);
    const source = openUrl(`${url}/folder`, { place: null, env: process.env, options: new Map(Object.entries(options)) });
    expect(await codeOf(source.look({}))).toBe(code);
  });

  it("does not take other objects, or an entity that means a name, for what is looked for", async () => {
    const objects = ["a", "b", "c", "d"].map(named);
    const bomb = `<!DOCTYPE x [<!ENTITY a "${"a".repeat(1000)}">${"bcdefghij".replace(/./g, (name) => `<!ENTITY ${name} "${`&${String.fromCharCode(name.charCodeAt(0) - 1)};`.repeat(20)}">`)}]>`;
    const ofFirst = objects.map((object) => ({ ...object, hash: `00${object.hash.slice(2)}` }));
    stub.behave = listing((prefix) => [`${prefix}${"0".repeat(30)}`, `${prefix}&j;`], bomb);
    // Google's answers are no XML: nothing can be read out of this one.
    expect(["[]", "E_REMOTE_ANSWER"]).toContain(
      await open(site(kind))
        .present(ofFirst, {})
        .then(JSON.stringify, ({ code }) => code),
    );
    stub.behave = listing((prefix) => [`${prefix}${"0".repeat(30)}`]);
    expect(await codeOf(open(site(kind)).present(ofFirst, {}))).toBe("fine");
  });
});

describe("a list of webdav", () => {
  const response = (href: string, isFolder = false) =>
    `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${isFolder ? "<D:resourcetype><D:collection/></D:resourcetype>" : "<D:getcontentlength>1</D:getcontentlength>"}</D:prop></D:propstat></D:response>`;
  const source = () => {
    const { url, options } = site("webdav");
    return openUrl(`${url}/folder`, { place: null, env: process.env, options: new Map(Object.entries(options)) });
  };
  const listing = (inside: string) => `<D:multistatus>${response("/b", true)}${inside}</D:multistatus>`;

  it.each(["/b/folder/..", "/b/folder/%2e%2e", "/b/folder/a%2F..%2F..%2Fb", "/b/folder/%00", "/b/folder/%ff%", "/b/folder/."])(
    "brings nothing when it has %s",
    async (href) => {
      for (const isFolder of [true, false]) {
        stub.behave = (_, answer) => void answer.writeHead(207).end(listing(response(href, isFolder)));
        expect(await codeOf(source().look({}))).toBe("E_REMOTE_ANSWER");
      }
    },
  );

  it("is not led around in a circle of folders", async () => {
    stub.behave = (_, answer) => void answer.writeHead(207).end(listing(response("/b/folder/again", true)));
    expect(await codeOf(source().look({}))).toBe("E_DATA");
  });

  it("reads a long answer without a single end in one pass", async () => {
    stub.behave = (_, answer) => void answer.writeHead(207).end("<D:response><D:href ".repeat(MIB));
    expect(await source().list(null, {})).toBeNull();
  });

  it("ends a list that has no end", async () => {
    stub.behave = (_, answer) => endless(answer.writeHead(207), response("/b/x").repeat(1000));
    expect(
      await codeOf(
        open(site("webdav")).present(
          ["a", "b", "c"].map((text) => ({ ...named(text), hash: `00${named(text).hash.slice(2)}` })),
          {},
        ),
      ),
    ).toBe("E_REMOTE_ANSWER");
    expect(stub.sent).toBeLessThan(80 * MIB);
  });
});

describe("a list of s3 that goes on without a token", () => {
  const names = Array.from({ length: 7 }, (_, index) => `base/folder/f${index}`);
  const page = (keys: readonly string[]) =>
    `<ListBucketResult>${keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join("")}<IsTruncated>${keys.length > 0 && keys.at(-1) !== names.at(-1)}</IsTruncated></ListBucketResult>`;
  const source = () => {
    const { url, options } = (SITES.s3 as (url: string) => { url: string; options: Record<string, string> })(stub.url);
    return openUrl(`${url}/folder`, { place: null, env: process.env, options: new Map(Object.entries(options)) });
  };

  it("is read to its end, as servers that know only the first way of listing have it", async () => {
    stub.behave = (asked, answer) => {
      const after = new URL(asked.url ?? "", stub.url).searchParams.get("marker") ?? "";
      if (asked.method === "HEAD") answer.writeHead(404).end();
      else answer.end(page(names.filter((name) => name > after).slice(0, 3)));
    };
    expect((await source().look({}))?.files.map(({ key }) => key)).toEqual(names.map((name) => name.slice("base/".length)));
  });

  it("is no end of it where nothing says how it goes on", async () => {
    stub.behave = (asked, answer) => {
      if (asked.method === "HEAD") answer.writeHead(404).end();
      else answer.end("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
    };
    expect(await codeOf(source().look({}))).toBe("E_REMOTE_ANSWER");
  });
});

it.each(["http", "webdav"])("takes a password out of the url of %s as it is meant, and shows none that cannot be read", async (kind) => {
  const passwords = { "50%x": "50%x", "a%40b%c3%a9": "a@bé", "%ff": "%ff" };
  const url = (password: string) => stub.url.replace("http://", `${kind}://ada:${password}@`);
  for (const password of Object.keys(passwords)) await open({ url: url(password), options: {} }).read(named("a"));
  const heard = stub.asked.map(({ headers }) => Buffer.from(headers.authorization?.split(" ")[1] ?? "", "base64").toString());
  expect(heard).toEqual(Object.values(passwords).map((password) => `ada:${password}`));
  const unreadable = open({ url: url("se/cret"), options: {} }).read(named("a"));
  await expect(unreadable).rejects.toMatchObject({ code: "E_CONFIG", message: expect.not.stringContaining("se/cret") });
});

it.each(["s3", "azure", "gs", "webdav"])("does not take a web page that says yes to everything for what %s has", async (kind) => {
  stub.behave = (asked, answer) => {
    // Without a length, as such pages are made.
    if (asked.method !== "HEAD") answer.write("<html>");
    answer.end();
  };
  const { url, options } = (SITES[kind] as (url: string) => { url: string; options: Record<string, string> })(stub.url);
  const object = named("a");
  expect(await codeOf(open({ url, options }).present([object], {}))).toBe("E_REMOTE_ANSWER");
});

it("asks a WebDAV server in another way how large a file is that it tells no length of", async () => {
  stub.behave = (asked, answer) => {
    if (asked.method !== "PROPFIND") answer.writeHead(asked.url?.includes(named("a").hash.slice(2)) ? 200 : 404).end();
    else
      answer.writeHead(207).end("<D:response><D:href>/x</D:href><D:prop><D:getcontentlength>7</D:getcontentlength></D:prop></D:response>");
  };
  const { url, options } = (SITES.webdav as (url: string) => { url: string; options: Record<string, string> })(stub.url);
  const seen = await open({ url, options }).present([named("a"), named("b")], {});
  expect(seen).toEqual([{ ...named("a"), size: 7 }]);
});

it("shows secrets to no host that a token service names", async () => {
  stub.behave = (_, answer) => void answer.writeHead(307, { location: `${other.url}/token` }).end();
  const options = { account_name: "ada", tenant_id: "t", client_id: "c", client_secret: "secret" };
  const remote = open({ url: "azure://container/base", options, env: { AZURE_AUTHORITY_HOST: stub.url } });
  expect(await codeOf(remote.present([named("a")], {}))).toBe("E_REMOTE_ANSWER");
  expect(stub.asked).not.toEqual([]);
  expect(other.asked).toEqual([]);
});

it("corrects its clock by no date that is none, and its region by no name of a host", async () => {
  for (const [code, rest] of [
    ["RequestTimeTooSkewed", ""],
    ["AuthorizationHeaderMalformed", "<Region>evil.example/</Region>"],
  ]) {
    stub.asked = [];
    stub.behave = (_, answer) => void answer.writeHead(400, { date: "tomorrow" }).end(`<Error><Code>${code}</Code>${rest}</Error>`);
    expect(await codeOf(open(site("s3")).read(named("a")))).not.toBe("fine");
    expect(stub.asked).toHaveLength(1);
  }
});

const disk = smallDisk(96 * 1024);

it.skipIf(disk === null)("stops before the disk is full when nobody knows how much will come", async () => {
  const dir = disk ?? "";
  stub.behave = (_, answer) => endless(answer, "x".repeat(MIB));
  const { failures } = await open(site("http")).receive([named("small")], { dir, shared: false }, {});
  expect(failures.map(({ error }) => error?.code)).toEqual(["E_DISK_FULL"]);
  expect(failures[0]?.error?.message).toMatch(/^no room for http:.*: \d+ bytes are free/);
  expect(stub.sent).toBeLessThan(60 * MIB);
  expect(walk(dir)).toEqual([]);
});

describe("an SFTP server", () => {
  /** A program `ssh` that answers each request as `answer` (the body of a function of type and fields) says. */
  function sshThat(greeting: string, answer: string): Record<string, string> {
    const bin = makeFolder("bin");
    mkdirSync(bin, { recursive: true });
    const script = `#!${process.execPath}
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const text = (t) => Buffer.concat([u32(Buffer.byteLength(t)), Buffer.from(t)]);
const packet = (type, ...parts) => { const body = Buffer.concat([Buffer.from([type]), ...parts]); process.stdout.write(Buffer.concat([u32(body.length), body])); };
const file = Buffer.concat([u32(4), u32(0o100644)]);
const answer = (type, id) => { ${answer} };
${greeting === "" ? "" : `process.stdout.write(${JSON.stringify(greeting)});`}
let rest = Buffer.alloc(0);
process.stdin.on("data", (bytes) => {
  rest = Buffer.concat([rest, bytes]);
  while (rest.length >= 5 && rest.length >= rest.readUInt32BE() + 4) {
    const length = rest.readUInt32BE() + 4;
    const type = rest[4];
    if (type === 1) packet(2, u32(3));
    else answer(type, rest.subarray(5, 9));
    rest = rest.subarray(length);
  }
});
`;
    writeFileSync(join(bin, "ssh"), script, { mode: 0o755 });
    return { PATH: `${bin}:${process.env.PATH}` };
  }
  const there = (env: Record<string, string>) => open({ url: "ssh://host/base", env });

  it.each<[what: string, code: string, greeting: string, answer: string]>([
    ["a greeting of the shell", "E_REMOTE_ANSWER", "Welcome to this machine!\n", ""],
    ["an answer that ends too soon", "E_REMOTE_ANSWER", "", "packet(102, id, u32(100));"],
    ["an answer without a number", "E_REMOTE_ANSWER", "", "packet(102);"],
    [
      "nothing, again and again",
      "E_REMOTE_ANSWER",
      "",
      'if (type === 3) packet(102, id, text("h")); else if (type === 5) packet(103, id, text("")); else packet(101, id, u32(0), text(""), text(""));',
    ],
    [
      "more than was asked for",
      "E_REMOTE_ANSWER",
      "",
      'if (type === 3) packet(102, id, text("h")); else if (type === 5) packet(103, id, text("x".repeat(40000))); else packet(101, id, u32(0), text(""), text(""));',
    ],
    [
      "bytes without end",
      "E_OBJECT",
      "",
      'if (type === 3) packet(102, id, text("h")); else if (type === 5) packet(103, id, text("x".repeat(32768))); else packet(101, id, u32(0), text(""), text(""));',
    ],
  ])("that sends %s is given up", async (_, code, greeting, answer) => {
    const cache = makeCache();
    const [failure] = await cache.receive(there(sshThat(greeting, answer)), [{ ...named("small"), within: 5 } as never]);
    expect(failure?.error?.code).toBe(code);
    expect(walk(cache.dir)).toEqual([]);
  });

  it.each(["../../etc/passwd", "/etc/passwd", "a/b", ""])("that has a file called %j brings nothing", async (name) => {
    const env = sshThat(
      "",
      `
      if (type === 11) packet(102, id, text("h"));
      else if (type === 12) packet(104, id, u32(1), text(${JSON.stringify(name)}), text("long"), file);
      else packet(101, id, u32(type === 17 ? 2 : 0), text(""), text(""));`,
    );
    const source = openUrl("ssh://host/base/folder", { place: null, env: { ...process.env, ...env }, options: new Map() });
    expect(await codeOf(source.look({}))).toBe("E_REMOTE_ANSWER");
  });
});
