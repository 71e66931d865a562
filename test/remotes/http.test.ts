import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ErrorCode, ExpverError } from "../../src/errors.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder } from "../support/repository.ts";
import { type Nginx, nginx, startNginx } from "../support/servers/nginx.ts";
import { checkOf } from "./check-of.ts";
import { conformance, folderSite, makeCache, open } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";

describe.skipIf(nginx === null)("on nginx", () => {
  for (const [kind, options] of [
    ["http", { method: "PUT" }],
    ["webdav", {}],
  ] as const) {
    conformance(kind, async () => {
      const server = await startNginx();
      mkdirSync(join(server.root, "open", kind));
      return {
        site(name) {
          const url = `${server.url.replace("http", kind)}/open/${kind}/${encodeURIComponent(name)}`;
          const lists = kind === "http" ? ({ lists: false } as const) : {};
          return folderSite(join(server.root, "open", kind, name), { url, options, ...lists });
        },
        stop: () => server.stop(),
      };
    });
  }

  describe("options of dvc", () => {
    let server: Nginx;
    beforeAll(async () => {
      server = await startNginx();
    });
    afterAll(() => server.stop());

    /** Sends one object and brings it back; answers the code of what went wrong. */
    async function tryOut(path: string, options: Record<string, string>, base = server.url): Promise<ErrorCode | "fine"> {
      const remote = open({ url: base + path, options });
      const parcel = makeCache().put(`${path} ${JSON.stringify(options)}`);
      try {
        const [failure] = await remote.send([parcel], {});
        if (failure) return failure.error?.code ?? "fine";
        return (await remote.read(parcel.object)) === null ? "E_NOT_FOUND" : "fine";
      } catch (error) {
        if (error instanceof ExpverError) return error.code;
        throw error;
      }
    }

    const put = { method: "PUT" };
    const ada = { user: "ada", password: "secret" };
    it.each<[what: string, expected: ErrorCode | "fine", path: string, options: Record<string, string>]>([
      ["a name and password", "fine", "/basic", { ...put, auth: "basic", ...ada }],
      ["a wrong password", "E_REMOTE_AUTH", "/basic", { ...put, auth: "basic", user: "ada", password: "wrong" }],
      ["no password", "E_REMOTE_AUTH", "/basic", put],
      ["basic without a password", "E_REMOTE_AUTH", "/basic", { ...put, auth: "basic", user: "ada" }],
      ["an auth there is not", "E_CONFIG", "/basic", { ...put, auth: "digest", ...ada }],
      ["a header of the server's own", "fine", "/custom", { ...put, auth: "custom", custom_auth_header: "X-Token", password: "secret" }],
      ["a wrong header", "E_REMOTE_AUTH", "/custom", { ...put, auth: "custom", custom_auth_header: "X-Token", password: "no" }],
      ["a redirect", "fine", "/moved", put],
      ["a forbidden place", "E_REMOTE_FORBIDDEN", "/forbidden", put],
      ["a full server", "E_REMOTE_FULL", "/full", put],
      ["a method the server does not take", "E_REMOTE_ABSENT", "/open", {}],
    ])("%s: %s", async (_what, expected, path, options) => {
      expect(await tryOut(path, options)).toBe(expected);
    });

    it("takes a name and password from the url, and shows no password", async () => {
      const url = `${server.url.replace("//", "//ada:secret@")}/basic`;
      expect(await tryOut("", put, url)).toBe("fine");
      expect(open({ url, options: put }).location).toBe(`${server.url.replace("//", "//ada:***@")}/basic`);
    });

    it("trusts no certificate of an unknown authority, unless told to", async () => {
      const tries = [{}, { ssl_verify: server.authority }, { ssl_verify: "false" }, { ssl_verify: "/nowhere.pem" }];
      const codes = [];
      for (const options of tries) codes.push(await tryOut("/open", { ...put, ...options }, server.secureUrl));
      expect(codes).toEqual(["E_REMOTE_CERTIFICATE", "fine", "fine", "E_CONFIG"]);
    });

    it.each(["0", "9999999"])("%s seconds for a connection are as many as it needs", async (connect_timeout) => {
      const options = { ...put, ssl_verify: server.authority, connect_timeout, read_timeout: connect_timeout };
      expect(await tryOut(`/open/patient${connect_timeout}`, options, server.secureUrl)).toBe("fine");
    });

    it("tells an unknown host from a closed port", async () => {
      expect(await tryOut("/", put, "http://no-such-host.invalid")).toBe("E_REMOTE_UNREACHABLE");
      expect(await tryOut("/", put, "http://127.0.0.1:9")).toBe("E_REMOTE_UNREACHABLE");
    });

    it.each<[kind: string, options: Record<string, string>]>([
      ["webdav", { user: "ada", password: "secret" }],
      ["webdav", { custom_auth_header: "Authorization", password: `Basic ${Buffer.from("ada:secret").toString("base64")}` }],
    ])("%s takes %o", async (kind, options) => {
      expect(await tryOut("/basic", options, server.url.replace("http", kind))).toBe("fine");
      expect(await tryOut("/basic", { ...options, password: "wrong" }, server.url.replace("http", kind))).toBe("E_REMOTE_AUTH");
    });

    it("check says what may be done, and as whom", async () => {
      const options = { ...put, auth: "basic", ...ada };
      const http = await checkOf({ url: `${server.url}/basic/checked`, options });
      expect(http).toMatchObject({
        states: "put ok, head ok, list not offered, get ok, multipart not offered, delete ok",
        identity: "ada (DVC's configuration)",
        clockSkewSeconds: expect.any(Number),
      });
      const webdav = await checkOf({ url: `${server.url.replace("http", "webdav")}/basic/checked`, options: ada });
      expect(webdav.states).toBe("put ok, head ok, list ok, get ok, multipart not offered, delete ok");
      expect([http.left, webdav.left]).toEqual([[], []]);
      const kept = await checkOf({ url: `${server.url}/kept`, options: put });
      expect(kept.states).toBe("put ok, head ok, list not offered, get ok, multipart not offered, delete failed");
      expect(kept.left).toEqual([expect.stringMatching(/\/kept\/files\/md5\/[0-9a-f]{2}\/[0-9a-f]{30}$/)]);
      expect(existsSync(join(server.root, new URL(kept.left[0] ?? "").pathname))).toBe(true);
      expect(kept.text).toContain(`left       ${kept.left[0]}: our own object`);
      const forbidden = await checkOf({ url: `${server.url}/forbidden`, options: put });
      expect(forbidden.left).toEqual([]);
      expect(forbidden.text).toMatch(/put +failed +needs POST or PUT, as `method` says\n +E_REMOTE_FORBIDDEN/);
    });

    it("names the other method when one is not taken", async () => {
      const [failure] = await open({ url: `${server.url}/open`, options: {} }).send([makeCache().put("by POST")], {});
      expect(failure?.error?.hint).toContain("method PUT");
    });

    it("says what to change when a request is too large", async () => {
      const parcel = makeCache().put("x".repeat(5000));
      const [failure] = await open({ url: `${server.url}/small`, options: put }).send([parcel], {});
      expect(failure?.error).toMatchObject({ code: "E_REMOTE_ANSWER", hint: expect.stringContaining("client_max_body_size") });
    });

    const dvc = peerWith("dvc", "dvc_webdav");
    it.skipIf(dvc === null).each(["http", "webdav"])("shares a %s remote with real dvc, both ways", (kind) => {
      const url = `${server.url.replace("http", kind)}/basic/${kind}-shared`;
      mkdirSync(join(server.root, "basic", `${kind}-shared`));
      const options = { user: "ada", password: "secret", ...(kind === "http" ? { auth: "basic", method: "PUT" } : {}) };
      sharesWithDvc(dvc ?? "", { url, options, hasRuns: kind !== "http" });
    });
  });
});

describe("on a server that takes no `Expect: 100-continue`", () => {
  it.each(["http", "webdav"])("by %s what is large is sent without it", async (kind) => {
    const files = new Map<string, Buffer>();
    const refusals: string[] = [];
    const server = createServer((asked, answer) => {
      const pieces: Buffer[] = [];
      asked.on("data", (piece) => pieces.push(piece));
      asked.on("end", () => {
        if (asked.method === "PUT") files.set(asked.url ?? "", Buffer.concat(pieces));
        const from = files.get(asked.url ?? "");
        if (asked.method === "MOVE" && from) files.set(new URL(String(asked.headers.destination)).pathname, from);
        const isThere = ["PUT", "MOVE", "MKCOL"].includes(asked.method ?? "") || from !== undefined;
        answer.writeHead(isThere ? 200 : 404).end(asked.method === "GET" ? from : undefined);
      });
    });
    server.on("checkContinue", (asked, answer) => {
      refusals.push(asked.url ?? "");
      answer.writeHead(417, { connection: "close" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = `${kind}://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
      const remote = open({ url, options: { method: "PUT" } });
      const parcels = ["a", "b"].map((text) => makeCache().put(text.repeat(2 ** 21)));
      for (const parcel of parcels) {
        expect(await remote.send([parcel], {})).toEqual([]);
        expect((await remote.read(parcel.object))?.length).toBe(2 ** 21);
      }
      expect(refusals).toHaveLength(1);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

it("a program that gives tokens is asked for another when one is taken no more, once for all who meet that", async () => {
  const file = join(makeFolder("tokens"), "count");
  const known = { token: "1", left: 5 };
  const server = createServer((asked, answer) => {
    asked.resume();
    if (known.left-- === 0) known.token = "2";
    const isKnown = asked.headers.authorization === `Bearer ${known.token}`;
    answer.writeHead(isKnown ? 404 : 401).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const bearer_token_command = `n=$(($(cat ${file} 2>/dev/null || echo 0) + 1)); echo $n > ${file}; echo $n`;
    const remote = open({ url: `webdav://127.0.0.1:${(server.address() as AddressInfo).port}/x`, options: { bearer_token_command } });
    const { object } = makeCache().put("nowhere");
    expect(await Promise.all(Array.from({ length: 40 }, () => remote.read(object)))).toEqual(Array(40).fill(null));
    expect(readFileSync(file, "utf8")).toBe("2\n");
    known.token = "nobody's";
    await expect(remote.read(object)).rejects.toMatchObject({ code: "E_REMOTE_AUTH" });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
