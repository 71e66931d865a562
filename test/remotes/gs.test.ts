import { createHash, createVerify, generateKeyPairSync } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findToken } from "../../src/store/remotes/gs/credentials.ts";
import { gsServer } from "../../src/store/remotes/gs/gs.ts";
import { newController } from "../../src/store/remotes/many.ts";
import { begin, killWhen } from "../support/kill-when.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { type FakeGcs, fakeGcsProgram, startFakeGcs } from "../support/servers/fake-gcs.ts";
import { startFaultProxy } from "../support/servers/fault-proxy.ts";
import { blankSource } from "./blank-source.ts";
import { checkOf } from "./check-of.ts";
import { conformance, makeCache, open } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";
import { versionConformance } from "./version-conformance.ts";

const MIB = 2 ** 20;
/** No account of the machine the test runs on. */
const bare = () => ({ HOME: makeFolder("home"), NO_GCE_CHECK: "true" });

describe.skipIf(fakeGcsProgram() === null)("on fake-gcs-server", () => {
  let server: FakeGcs;
  beforeAll(async () => {
    server = await startFakeGcs();
    await server.makeBucket("conformance");
    await server.makeBucket("versions", { keepsVersions: true });
  });
  afterAll(() => server?.stop());

  conformance("gs", () => ({
    site: (name) => ({
      url: `gs://conformance/${name}`,
      options: { endpointurl: server.url, allow_anonymous_login: "true" },
      plant: (key, bytes) => server.plant("conformance", `${name}/${key}`, bytes),
      contents: () => server.contents("conformance", name),
    }),
    stop() {},
  }));

  versionConformance("gs", (name, keeps) => ({
    url: `gs://${keeps ? "versions" : "conformance"}/${name}`,
    options: { endpointurl: server.url, allow_anonymous_login: "true" },
  }));

  it("says that a bucket is not there, whatever is asked", async () => {
    const remote = open({ url: "gs://no-such-bucket/x", options: { endpointurl: server.url }, env: bare() });
    const object = { hash: "0".repeat(32), hashName: "md5" } as const;
    await expect(remote.present([object], {})).rejects.toMatchObject({
      code: "E_REMOTE_ABSENT",
      hint: expect.stringContaining("Create the bucket"),
    });
    await expect(remote.read(object)).rejects.toMatchObject({ code: "E_REMOTE_ABSENT" });
    expect((await makeCache().receive(remote, [object]))[0]?.error).toMatchObject({ code: "E_REMOTE_ABSENT" });
    expect((await remote.send([makeCache().put("nowhere")], {}))[0]?.error).toMatchObject({ code: "E_REMOTE_ABSENT" });
  });

  it("takes the endpoint from the environment, with or without a scheme", async () => {
    for (const STORAGE_EMULATOR_HOST of [server.url, server.url.replace("http://", "")]) {
      const remote = open({ url: "gs://conformance/endpoint", env: { ...bare(), STORAGE_EMULATOR_HOST } });
      expect(await remote.send([makeCache().put(STORAGE_EMULATOR_HOST)], {})).toEqual([]);
    }
    await expect(open({ url: "gs://", env: bare() }).list({})).rejects.toMatchObject({ code: "E_CONFIG" });
  });

  it("check names who we are, what may be done, and what is missing", async () => {
    const url = "gs://conformance/checked";
    const all = await checkOf({ url, options: { endpointurl: server.url }, env: bare() });
    expect(all).toMatchObject({
      states: "put ok, head ok, list ok, get ok, multipart ok, delete ok",
      identity: "nobody (no credentials are sent)",
      clockSkewSeconds: expect.any(Number),
      exitCode: 0,
    });
    expect((await server.contents("conformance", "checked")).size).toBe(0);
    const proxy = await startFaultProxy(server.url);
    try {
      proxy.reset(({ method }) => (method === "POST" ? { status: 403 } : null));
      const readonly = await checkOf({ url, options: { endpointurl: proxy.url }, env: bare() });
      expect(readonly.states).toBe("put failed, head not tried, list ok, get not tried, multipart failed, delete not tried");
      expect(readonly.text).toMatch(/put +failed\n +E_REMOTE_AUTH.*\n +Nobody may do this without credentials/);
    } finally {
      await proxy.stop();
    }
    const lost = await checkOf({ url, options: { endpointurl: server.url, credentialpath: "/nowhere.json" }, env: bare() });
    expect(lost.identity).toContain("nobody: remote store: /nowhere.json is not there");
    expect(lost.probes[0]?.error?.code).toBe("E_REMOTE_AUTH");
  });

  const dvc = peerWith("dvc", "dvc_gs");
  it.skipIf(dvc === null)("shares a bucket with real dvc, both ways", { timeout: 240_000 }, () => {
    const options = { endpointurl: server.url, allow_anonymous_login: "true" };
    // Else dvc's library speaks gRPC first, which the emulator does not.
    const env = { GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: "false" };
    sharesWithDvc(dvc ?? "", { url: "gs://conformance/shared", options, env });
    sharesWithDvc(dvc ?? "", { url: "gs://versions/shared", options: { ...options, version_aware: "true" }, env, hasRuns: false });
  });
});

describe("on Google Cloud Storage", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  /** A service that gives tokens for signed claims of the right time and for one refresh token, and a bucket that wants them. */
  async function startGoogle({ aheadMs = 0 } = {}) {
    const asked: string[] = [];
    const given: string[] = [];
    const server = createServer((incoming, outgoing) => {
      let body = "";
      incoming.on("data", (chunk) => {
        body += String(chunk);
      });
      incoming.on("end", () => {
        const now = Date.now() + aheadMs;
        outgoing.sendDate = false;
        outgoing.setHeader("date", new Date(now).toUTCString());
        const form = new URLSearchParams(body);
        asked.push(`${incoming.method} ${incoming.url?.split("?")[0]} ${form.get("grant_type") ?? ""}`.trim());
        const give = (isRight: boolean) => {
          given.push(`t${given.length}`);
          outgoing.statusCode = isRight ? 200 : 400;
          outgoing.end(JSON.stringify(isRight ? { access_token: given.at(-1), expires_in: 3599 } : { error: "invalid_grant" }));
        };
        if (incoming.url?.startsWith("/computeMetadata/")) give(incoming.headers["metadata-flavor"] === "Google");
        else if (form.has("assertion")) give(isClaim(form.get("assertion") ?? "", now));
        else if (form.has("refresh_token")) give(form.get("refresh_token") === "right");
        else {
          const isKnown = incoming.headers.authorization === `Bearer ${given.at(-1)}`;
          outgoing.statusCode = isKnown ? 200 : 401;
          outgoing.end(isKnown ? JSON.stringify({ size: "7" }) : JSON.stringify({ error: { code: 401, message: "Invalid Credentials" } }));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    function isClaim(text: string, now: number): boolean {
      const [head = "", claims = "", signature = ""] = text.split(".");
      const { iss, scope, aud, iat, exp } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as Record<string, unknown>;
      const isSigned = createVerify("RSA-SHA256").update(`${head}.${claims}`).verify(publicKey, signature, "base64url");
      const isTimely = Math.abs(Number(iat) * 1000 - now) < 300_000 && Number(exp) - Number(iat) === 3600;
      return isSigned && isTimely && iss === "robot@x" && aud === `${url}/token` && String(scope).includes("devstorage.read_write");
    }
    return {
      url,
      asked,
      /** From now on the last token is not taken. */
      takeBack: () => void given.push("none"),
      stop() {
        server.close();
        server.closeAllConnections();
      },
    };
  }
  const account = (url: string) => ({
    type: "service_account",
    client_email: "robot@x",
    token_uri: `${url}/token`,
    private_key: pem,
    private_key_id: "1",
  });
  const keyFile = (value: object) => {
    const file = join(makeFolder("keys"), "key.json");
    writeFileSync(file, JSON.stringify(value));
    return file;
  };
  const tokenOf = (options: Record<string, string>, env: Record<string, string> = {}, isGoogle = true) =>
    findToken(
      { name: "store", url: "gs://b", options: new Map(Object.entries(options)) },
      { env: { ...bare(), ...env }, clock: () => new Date(), isGoogle },
    );

  it("finds who we are in dvc's order: option, environment, login, machine, nobody", async () => {
    const google = await startGoogle();
    try {
      const robot = keyFile(account(google.url));
      const person = {
        type: "authorized_user",
        client_id: "c",
        client_secret: "s",
        refresh_token: "right",
        token_uri: `${google.url}/token`,
      };
      const gcloud = makeFolder("gcloud");
      writeFileSync(join(gcloud, "application_default_credentials.json"), JSON.stringify(person));
      const home = makeFolder("home");
      mkdirSync(join(home, ".config/gcloud"), { recursive: true });
      writeFileSync(join(home, ".config/gcloud/application_default_credentials.json"), JSON.stringify(person));
      const machine = { NO_GCE_CHECK: "", GCE_METADATA_HOST: google.url.replace("http://", "") };
      const tries: [options: Record<string, string>, env: Record<string, string>, source: string | null][] = [
        [{ credentialpath: robot }, { GOOGLE_APPLICATION_CREDENTIALS: "/nowhere" }, "robot@x, from DVC's configuration (credentialpath)"],
        [
          {},
          { GOOGLE_APPLICATION_CREDENTIALS: robot, CLOUDSDK_CONFIG: gcloud },
          "robot@x, from the environment (GOOGLE_APPLICATION_CREDENTIALS)",
        ],
        [{}, { CLOUDSDK_CONFIG: gcloud, ...machine }, `a person who logged in, from ${gcloud}/application_default_credentials.json`],
        [{}, { HOME: home }, `a person who logged in, from ${home}/.config/gcloud/application_default_credentials.json`],
        [{}, machine, "the machine's account"],
        [{}, {}, null],
        [{ allow_anonymous_login: "true" }, { GOOGLE_APPLICATION_CREDENTIALS: robot }, null],
      ];
      for (const [options, env, source] of tries) expect([env, (await tokenOf(options, env))?.source ?? null]).toEqual([env, source]);
      expect(await tokenOf({}, machine, false)).toBeNull();
    } finally {
      google.stop();
    }
  });

  it("says what is wrong with an account", async () => {
    const google = await startGoogle();
    try {
      const ended = { type: "authorized_user", refresh_token: "ended", token_uri: `${google.url}/token` };
      const tries: [value: object, text: string][] = [
        [{ ...account(google.url), private_key: "none" }, "the private_key of robot@x is no key"],
        [{ ...account(google.url), client_email: "other@x" }, "invalid_grant"],
        [ended, "invalid_grant"],
        [{ type: "external_account" }, "holds an account of type external_account"],
        [[], "holds no account"],
      ];
      for (const [value, text] of tries)
        await expect(tokenOf({ credentialpath: keyFile(value) })).rejects.toMatchObject({
          code: "E_REMOTE_AUTH",
          message: expect.stringContaining(text),
        });
    } finally {
      google.stop();
    }
  });

  it("works though our clock is wrong, and with another token when one was taken back", async () => {
    const google = await startGoogle({ aheadMs: -3_600_000 });
    try {
      const options = new Map([
        ["endpointurl", google.url],
        ["credentialpath", keyFile(account(google.url))],
      ]);
      const ours = gsServer({ name: "store", url: "gs://b/x", options }, bare());
      const { signal } = newController();
      expect(await ours.find("k", signal)).toEqual({ size: 7 });
      expect(Math.round((ours.skewMs() ?? 0) / 60_000)).toBe(-60);
      google.takeBack();
      expect(await ours.find("k", signal)).toEqual({ size: 7 });
    } finally {
      google.stop();
    }
  });

  it("takes a large upload up behind the last byte the server has, and begins anew when the server has forgotten it", async () => {
    const google = await startUploads();
    const { seen } = google;
    const ours = gsServer({ name: "store", url: "gs://b/x", options: new Map([["endpointurl", google.endpointurl]]) }, bare());
    const source = blankSource(20 * MIB + 5);
    const { signal } = newController();
    const size = source.size;
    const keepAndCut = (incoming: IncomingMessage) => {
      let kept = 0;
      incoming.on("data", (chunk: Buffer) => {
        kept += chunk.length;
        if (kept >= 3 * MIB && seen.stored.length === 0) seen.stored = Buffer.concat([...gathered, chunk]).subarray(0, 2 * MIB);
        if (kept >= 3 * MIB) incoming.destroy();
        gathered.push(chunk);
      });
      const gathered: Buffer[] = [];
    };
    try {
      google.faults.set(1, keepAndCut);
      await ours.put("k", source, signal);
      expect([seen.ranges, seen.sessions, seen.isThere]).toEqual([
        [`bytes 0-${size - 1}/${size}`, `bytes */${size}`, `bytes ${2 * MIB}-${size - 1}/${size}`],
        1,
        true,
      ]);
      expect(createHash("md5").update(seen.stored).digest("hex")).toBe(source.md5);
      seen.ranges.length = 0;
      google.faults.set(2, (_incoming, outgoing) => void outgoing.writeHead(410).end());
      await ours.put("k", source, signal);
      expect([seen.ranges, seen.sessions]).toEqual([[`bytes 0-${size - 1}/${size}`, `bytes */${size}`, `bytes 0-${size - 1}/${size}`], 3]);
      expect(createHash("md5").update(seen.stored).digest("hex")).toBe(source.md5);
    } finally {
      google.stop();
    }
  });

  it("goes on with a large upload that a killed command has begun", async () => {
    const google = await startUploads();
    const { seen } = google;
    try {
      const repository = makeRepository({ env: bare() });
      const size = 72 * MIB;
      const bytes = Buffer.alloc(size, "expver");
      repository.write("large.bin", bytes);
      for (const args of [
        ["init"],
        ["remote", "add", "-d", "store", "gs://b/x"],
        ["remote", "modify", "store", "endpointurl", google.endpointurl],
        ["add", "large.bin"],
      ])
        expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
      google.faults.set(2, (incoming) => void incoming.resume());
      await killWhen(repository, ["data", "push"], () => seen.ranges.length === 2);
      seen.ranges.length = 0;
      google.faults.clear();
      expect(await begin(repository, ["data", "push"]).ended).toBe(0);
      expect([seen.ranges, seen.sessions]).toEqual([[`bytes */${size}`, `bytes ${64 * MIB}-${size - 1}/${size}`], 1]);
      expect(seen.stored.equals(bytes)).toBe(true);
      expect(readdirSync(join(repository.root, ".git/expver/gs-uploads"))).toEqual([]);
    } finally {
      google.stop();
    }
  });
});

/** Takes one object as Google documents it: the emulator takes a question about an upload for its end. */
async function startUploads() {
  const seen = { stored: Buffer.alloc(0), isThere: false, sessions: 0, ranges: [] as string[] };
  const faults = new Map<number, (incoming: IncomingMessage, outgoing: ServerResponse) => void>();
  const google = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    const range = incoming.headers["content-range"] ?? "";
    if (incoming.method === "GET") {
      const isAbsent = !seen.isThere && incoming.url?.includes("/o/");
      outgoing.writeHead(isAbsent ? 404 : 200).end(JSON.stringify({ size: seen.stored.length }));
      return;
    }
    if (incoming.method === "POST") {
      seen.sessions += 1;
      seen.stored = Buffer.alloc(0);
      incoming
        .resume()
        .on("end", () => outgoing.writeHead(200, { location: `https://elsewhere.example/upload?upload_id=${seen.sessions}` }).end());
      return;
    }
    seen.ranges.push(range);
    const fault = faults.get(seen.ranges.length);
    if (fault) {
      fault(incoming, outgoing);
      return;
    }
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(range) ?? [];
      if (start !== undefined && Number(start) !== seen.stored.length) outgoing.statusCode = 503;
      else seen.stored = Buffer.concat([seen.stored, ...chunks]);
      seen.isThere = seen.stored.length === Number(total);
      if (seen.isThere) outgoing.end(JSON.stringify({ size: total }));
      else outgoing.writeHead(308, seen.stored.length === 0 ? {} : { range: `bytes=0-${seen.stored.length - 1}` }).end();
    });
  });
  await new Promise<void>((resolve) => google.listen(0, "127.0.0.1", resolve));
  return {
    seen,
    faults,
    endpointurl: `http://127.0.0.1:${(google.address() as { port: number }).port}`,
    stop() {
      google.close();
      google.closeAllConnections();
    },
  };
}
