import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { keyOf } from "../../src/store/remotes/keys.ts";
import { remoteOf } from "../../src/store/remotes/open-remote.ts";
import type { S3Client } from "../../src/store/remotes/s3/client.ts";
import { s3Server } from "../../src/store/remotes/s3/s3.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder } from "../support/repository.ts";
import { startFaultProxy } from "../support/servers/fault-proxy.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { checkOf } from "./check-of.ts";
import { conformance, makeCache, objectsOf, open } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";
import { tryOut } from "./try-out.ts";
import { versionConformance } from "./version-conformance.ts";
import { keepVersions } from "./versioned-bucket.ts";

describe.skipIf(seaweedProgram() === null)("on SeaweedFS", () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await server.makeBucket("conformance");
    await keepVersions(server, "versions");
  });
  afterAll(() => server?.stop());

  conformance("s3", () => ({
    site: (name) => ({
      url: `s3://conformance/${name}`,
      options: { endpointurl: server.url, ...keysOf("all") },
      plant: (key, bytes) => server.plant("conformance", `${name}/${key}`, bytes),
      contents: () => server.contents("conformance", name),
    }),
    stop() {},
  }));

  versionConformance("s3", (name, keeps) => ({
    url: `s3://${keeps ? "versions" : "conformance"}/${name}`,
    options: { endpointurl: server.url, ...keysOf("all") },
    // The large file is sent in parts.
    env: awsFiles({ config: "[default]\ns3 =\n  multipart_threshold = 8MB\n" }),
  }));

  it("asked for a version, corrects the region as ever, and knows what is no version", async () => {
    const amazon = createServer(({ url = "", headers }, outgoing) => {
      const refuse = (code: string, more = "") => outgoing.writeHead(400).end(`<Error><Code>${code}</Code>${more}</Error>`);
      if (headers.authorization?.includes("us-east-1")) refuse("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>");
      else if (url.includes("versionId=garbage")) refuse("InvalidArgument");
      else if (url.includes("versionId=expired")) refuse("ExpiredToken");
      else outgoing.end("bytes");
    });
    await new Promise<void>((resolve) => amazon.listen(0, "127.0.0.1", resolve));
    const endpointurl = `http://127.0.0.1:${(amazon.address() as { port: number }).port}`;
    try {
      const options = { endpointurl, ...keysOf("all"), region: "us-east-1", version_aware: "true" };
      const at = () => s3Server({ name: "store", url: "s3://b", options: new Map(Object.entries(options)) }, { HOME: makeFolder("home") });
      const { signal } = new AbortController();
      for (const [version, expected] of [
        ["one", 5],
        ["garbage", null],
      ] as const) {
        expect([version, (await at().get("f", { from: 0, signal, version }))?.length ?? null]).toEqual([version, expected]);
        expect([version, (await at().find("f", signal, version))?.size ?? null]).toEqual([version, expected]);
      }
      const expired = { code: "E_REMOTE_AUTH" };
      await expect(at().get("f", { from: 0, signal, version: "expired" })).rejects.toMatchObject(expired);
      await expect(at().find("f", signal, "expired")).rejects.toMatchObject(expired);
    } finally {
      amazon.close();
    }
  });

  /** Sends one object and brings it back with nothing but this environment; answers the code of what went wrong. */
  function tryWith(options: Record<string, string>, env: Record<string, string> = {}): Promise<ErrorCode | "fine"> {
    const url = options.url ?? "s3://conformance/tried";
    const all = new Map(Object.entries({ url, endpointurl: server.url, ...options }));
    const home = { HOME: makeFolder("home"), AWS_EC2_METADATA_DISABLED: "true" };
    const remote = remoteOf({ name: "store", url, options: all }, { ...home, ...env });
    return tryOut(remote, JSON.stringify([options, env]));
  }

  const AS_ENV = { AWS_ACCESS_KEY_ID: "AKall", AWS_SECRET_ACCESS_KEY: "secret-all" };

  function awsFiles(files: Record<string, string>): Record<string, string> {
    const HOME = makeFolder("home");
    mkdirSync(join(HOME, ".aws/sso/cache"), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(HOME, ".aws", name), text);
    return { HOME };
  }

  it("finds credentials where every AWS tool does, and in their order", async () => {
    const keys = (name: string) => `aws_access_key_id = AK${name}\naws_secret_access_key = secret-${name}\n`;
    const asPython = "[python]\nAWS_ACCESS_KEY_ID = AKall\naws_secret_access_key: secret-all\n";
    const credentials = `[default]\n${keys("readonly")}[team]\n${keys("all")}${asPython}`;
    const program = `sh -c 'echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"AKall\\",\\"SecretAccessKey\\":\\"secret-all\\"}"'`;
    const home = awsFiles({ credentials, config: `[profile made]\ncredential_process = ${program}\n` });
    const tries: [options: Record<string, string>, env: Record<string, string>, expected: ErrorCode | "fine"][] = [
      [{}, AS_ENV, "fine"],
      [{}, {}, "E_REMOTE_AUTH"],
      [{}, home, "E_REMOTE_FORBIDDEN"],
      [{}, { ...home, AWS_PROFILE: "team" }, "fine"],
      [{ profile: "team" }, home, "fine"],
      [{ profile: "made" }, home, "fine"],
      [{ profile: "python" }, home, "fine"],
      [{ profile: "nobody" }, home, "E_REMOTE_AUTH"],
      [{ profile: "default" }, { ...home, ...AS_ENV }, "E_REMOTE_FORBIDDEN"],
      [{}, { ...home, ...AS_ENV, AWS_PROFILE: "default" }, "fine"],
      [keysOf("all"), { ...home, AWS_ACCESS_KEY_ID: "AKreadonly", AWS_SECRET_ACCESS_KEY: "secret-readonly" }, "fine"],
      [{ credentialpath: join(home.HOME ?? "", ".aws/credentials"), profile: "team" }, {}, "fine"],
    ];
    for (const [options, env, expected] of tries) expect([options, env, await tryWith(options, env)]).toEqual([options, env, expected]);
  });

  it("gets keys for a role, a session or a machine from whoever gives them", async () => {
    const asked: string[] = [];
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const json = { AccessKeyId: "AKall", SecretAccessKey: "secret-all", Expiration: later };
    const xml = `<R><Credentials><AccessKeyId>AKall</AccessKeyId><SecretAccessKey>secret-all</SecretAccessKey><SessionToken></SessionToken><Expiration>${later}</Expiration></Credentials></R>`;
    const giver = createServer((incoming, outgoing) => {
      let body = "";
      incoming.on("data", (chunk) => {
        body += String(chunk);
      });
      incoming.on("end", () => {
        const { method = "", url = "", headers } = incoming;
        asked.push(
          `${method} ${url} ${new URLSearchParams(body).get("Action") ?? ""} ${headers["x-amz-sso_bearer_token"] ?? headers.authorization?.slice(0, 40) ?? ""}`,
        );
        if (url.startsWith("/federation"))
          outgoing.end(
            JSON.stringify({
              roleCredentials: { accessKeyId: "AKall", secretAccessKey: "secret-all", sessionToken: "", expiration: Date.parse(later) },
            }),
          );
        else if (url === "/latest/api/token") outgoing.end("token");
        else if (url.endsWith("/security-credentials/")) outgoing.end("machine-role");
        else if (method === "POST") outgoing.end(xml);
        else outgoing.end(JSON.stringify(json));
      });
    });
    await new Promise<void>((resolve) => giver.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(giver.address() as { port: number }).port}`;
    try {
      const config = [
        "[profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n",
        "[profile sso]\nsso_session = work\nsso_account_id = 1\nsso_role_name = r\n",
        "[sso-session work]\nsso_start_url = https://x.example\nsso_region = eu-west-1\n",
        "[profile old-sso]\nsso_start_url = https://old.example\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r\n",
      ].join("");
      const credentials = "[base]\naws_access_key_id = AKbase\naws_secret_access_key = secret-base\n";
      const token = { accessToken: "bearer", expiresAt: later };
      const cache = (name: string) => `sso/cache/${createHash("sha1").update(name).digest("hex")}.json`;
      const home = awsFiles({ config, credentials, [cache("work")]: JSON.stringify(token), "web-token": "jwt" });
      const ended = awsFiles({ config, credentials, [cache("work")]: JSON.stringify({ ...token, expiresAt: "2020-01-01T00:00:00Z" }) });
      const ends = { AWS_ENDPOINT_URL_STS: at, AWS_ENDPOINT_URL_SSO: at };
      const web = { AWS_ROLE_ARN: "arn:aws:iam::1:role/w", AWS_WEB_IDENTITY_TOKEN_FILE: join(home.HOME ?? "", ".aws/web-token") };
      const machine = { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: at };
      const tries: [options: Record<string, string>, env: Record<string, string>, expected: string, asked: RegExp | null][] = [
        [{ profile: "role" }, { ...home, ...ends }, "fine", /^POST \/ AssumeRole AWS4-HMAC-SHA256 Credential=AKbase/],
        [{ profile: "sso" }, { ...home, ...ends }, "fine", /^GET \/federation\/credentials\?role_name=r&account_id=1 {2}bearer/],
        [{ profile: "sso" }, { ...ended, ...ends }, "E_REMOTE_AUTH", null],
        [{ profile: "old-sso" }, { ...home, ...ends }, "E_REMOTE_AUTH", null],
        [{}, { ...ends, ...web }, "fine", /^POST \/ AssumeRoleWithWebIdentity $/],
        [
          {},
          { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${at}/box`, AWS_CONTAINER_AUTHORIZATION_TOKEN: "boxed" },
          "fine",
          /^GET \/box {2}boxed/,
        ],
        [{}, machine, "fine", /security-credentials\/machine-role/],
      ];
      for (const [options, env, expected, request] of tries) {
        asked.length = 0;
        expect([options, await tryWith(options, env)]).toEqual([options, expected]);
        if (request === null) expect(asked).toEqual([]);
        else expect(asked.at(-1)).toMatch(request);
      }
    } finally {
      giver.close();
      giver.closeAllConnections();
    }
  });

  it("takes endpoint and region from the environment or the profile", async () => {
    const url = "s3://conformance/endpoint";
    const place = { name: "store", url, options: new Map([["url", url]]) };
    const home = awsFiles({ config: `[default]\nregion = eu-central-1\nendpoint_url = ${server.url}\ns3 =\n  addressing_style = path\n` });
    for (const env of [{ AWS_ENDPOINT_URL_S3: server.url }, { AWS_ENDPOINT_URL: server.url }, home]) {
      const remote = remoteOf(place, { HOME: makeFolder("home"), ...AS_ENV, ...env });
      expect(await remote.send([makeCache().put(JSON.stringify(env))], {})).toEqual([]);
    }
  });

  it.each<[what: string, options: Record<string, string>, expected: ErrorCode | "fine"]>([
    ["an unknown access key", { access_key_id: "nobody", secret_access_key: "secret-all" }, "E_REMOTE_AUTH"],
    ["a wrong secret", { access_key_id: "AKall", secret_access_key: "wrong" }, "E_REMOTE_AUTH"],
    ["keys that may only read", keysOf("readonly"), "E_REMOTE_FORBIDDEN"],
    ["keys that may do nothing", keysOf("none"), "E_REMOTE_FORBIDDEN"],
    ["keys that may not list", keysOf("nolist"), "fine"],
    ["nobody at all", { allow_anonymous_login: "true" }, "E_REMOTE_FORBIDDEN"],
    ["a url without a bucket", { url: "s3://", ...keysOf("all") }, "E_CONFIG"],
  ])("%s: %o", async (_what, options, expected) => {
    expect(await tryWith(options)).toBe(expected);
  });

  it("says that a bucket is not there, whatever is asked", async () => {
    const remote = open({ url: "s3://no-such-bucket/x", options: { endpointurl: server.url, ...keysOf("readonly") } });
    const cache = makeCache();
    const object = { hash: "0".repeat(32), hashName: "md5" } as const;
    await expect(remote.present([object], {})).rejects.toMatchObject({ code: "E_REMOTE_ABSENT" });
    await expect(remote.read(object)).rejects.toMatchObject({ code: "E_REMOTE_ABSENT" });
    expect((await cache.receive(remote, [object]))[0]?.error).toMatchObject({ code: "E_REMOTE_ABSENT" });
  });

  it("works with keys that may not list: objects are asked for one by one", async () => {
    const url = "s3://conformance/unlisted";
    const options = { endpointurl: server.url, ...keysOf("nolist") };
    const here = makeCache();
    const parcels = Array.from({ length: 1000 }, (_, index) => here.put(`unlisted ${index}`)).filter(({ object }) => object.hash < "04");
    expect(await open({ url, options }).send(parcels, {})).toEqual([]);
    expect(await open({ url, options }).present(objectsOf(parcels), {})).toHaveLength(parcels.length);
  });

  /** A folder of the bucket to which large files go in parts of 5 MB. */
  function inParts(name: string, endpointurl = server.url) {
    const url = `s3://conformance/${name}`;
    const options = new Map(Object.entries({ url, endpointurl, ...keysOf("all") }));
    const env = { ...process.env, ...awsFiles({ config: "[default]\ns3 =\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n" }) };
    const { client } = s3Server({ name: "store", url, options }, env);
    const uploads = async () =>
      (await told(client, { method: "GET", key: "", query: { uploads: "", prefix: `${name}/` } })).match(/<UploadId>/g)?.length ?? 0;
    return { client, uploads, remote: () => remoteOf({ name: "store", url, options }, env) };
  }

  it("goes on with an upload that was broken off, and leaves none behind", async () => {
    const { uploads, remote } = inParts("resumed");
    const parcel = makeCache().put("0123456789".repeat(12_000_000));
    const controller = new AbortController();
    let sent = 0;
    const report = ({ bytes = 0 }: { bytes?: number }) => {
      sent = bytes;
      if (bytes > 20_000_000) controller.abort();
    };
    await expect(remote().send([parcel], { report: report as never, signal: controller.signal })).rejects.toMatchObject({
      code: "E_INTERRUPTED",
    });
    expect(sent).toBeGreaterThan(0);
    expect((await server.contents("conformance", "resumed")).size).toBe(0);
    expect(await uploads()).toBe(1);
    expect(await remote().send([parcel], {})).toEqual([]);
    expect(await uploads()).toBe(0);
    const cache = makeCache();
    expect(await cache.receive(remote(), [parcel.object])).toEqual([]);
  });

  it("goes on with no parts of other bytes, and with no upload of a file whose name begins like it", async () => {
    const { client, remote } = inParts("strange");
    const here = makeCache();
    const parcels = ["a", "b"].map((text) => here.put(text.repeat(12_000_000)));
    for (const [index, { object }] of parcels.entries()) {
      const key = `strange/${keyOf(object)}${index === 0 ? "" : ".more"}`;
      const [, id = ""] = /<UploadId>([^<]+)/.exec(await told(client, { method: "POST", key, query: { uploads: "" } })) ?? [];
      for (const [number, part] of ["x", "a"].entries()) {
        const body = Buffer.alloc(5 * 2 ** 20, part);
        const query = { partNumber: String(number + 1), uploadId: id };
        await told(client, { method: "PUT", key, query, body: () => [body], length: body.length });
      }
    }
    expect(await remote().send(parcels, {})).toEqual([]);
    const there = await server.contents("conformance", "strange");
    for (const { object, from } of parcels) expect(there.get(keyOf(object))?.equals(readFileSync(from))).toBe(true);
  });

  it("keeps the parts of an upload that was refused, none of wrong bytes, and sees a failure within a 200", async () => {
    const proxy = await startFaultProxy(server.url);
    try {
      const { uploads, remote } = inParts("refused", proxy.url);
      const here = makeCache();
      const parcel = here.put("0123456789".repeat(2_000_000));
      const partsSent = () => proxy.asked.filter(({ method, url }) => method === "PUT" && url.includes("partNumber=")).length;
      proxy.reset(({ url }) => (url.includes("partNumber=4&") ? { status: 403 } : null));
      expect(await remote().send([parcel], {})).toMatchObject([{ error: { code: "E_REMOTE_FORBIDDEN" } }]);
      expect(await uploads()).toBe(1);
      let finishes = 0;
      proxy.reset(({ method, url }) => {
        if (method !== "POST" || !url.includes("uploadId=")) return null;
        finishes += 1;
        return finishes === 1 ? { status: 200, body: "<Error><Code>InternalError</Code></Error>" } : null;
      });
      expect(await remote().send([parcel], {})).toEqual([]);
      expect([partsSent(), finishes, await uploads()]).toEqual([1, 2, 0]);
      expect((await server.contents("conformance", "refused")).get(keyOf(parcel.object))?.equals(readFileSync(parcel.from))).toBe(true);
      const damaged = here.put("9876543210".repeat(2_000_000));
      chmodSync(damaged.from, 0o644);
      writeFileSync(damaged.from, "w".repeat(20_000_000));
      expect(await remote().send([damaged], {})).toMatchObject([{ error: { code: "E_OBJECT" } }]);
      expect(await uploads()).toBe(0);
    } finally {
      await proxy.stop();
    }
  });

  it("works though our clock is wrong, and knows by how much", async () => {
    const url = "s3://conformance/clock";
    const options = new Map(Object.entries({ url, endpointurl: server.url, ...keysOf("all") }));
    const wrong = () => new Date(Date.now() - 3_600_000);
    const { find, client } = s3Server({ name: "store", url, options }, {}, wrong);
    expect(await find("nothing", new AbortController().signal)).toBeNull();
    expect(Math.round((client.skewMs() ?? 0) / 60_000)).toBe(60);
  });

  it("check names who we are, what may be done, and what is missing", async () => {
    const url = "s3://conformance/checked";
    const all = await checkOf({ url, options: { endpointurl: server.url, ...keysOf("all") } });
    expect(all).toMatchObject({
      states: "put ok, head ok, list ok, get ok, multipart ok, delete ok",
      identity: "AKall, from DVC's configuration (access_key_id)",
      exitCode: 0,
    });
    expect((await server.contents("conformance", "checked")).size).toBe(0);
    const env = { ...AS_ENV, AWS_ACCESS_KEY_ID: "AKnolist", AWS_SECRET_ACCESS_KEY: "secret-nolist" };
    const nolist = await checkOf({ url, options: { endpointurl: server.url }, env });
    expect(nolist).toMatchObject({ identity: "AKnolist, from the environment (AWS_ACCESS_KEY_ID)", exitCode: 1 });
    expect(nolist.states).toContain("put ok, head ok, list failed, get ok");
    expect(nolist.text).toMatch(/list +failed +needs s3:ListBucket\n +E_REMOTE_FORBIDDEN/);
    const readonly = await checkOf({ url, options: { endpointurl: server.url, ...keysOf("readonly") } });
    expect(readonly.states).toBe("put failed, head not tried, list ok, get not tried, multipart failed, delete not tried");
    const nobody = await checkOf({ url, options: { endpointurl: server.url }, env: { AWS_EC2_METADATA_DISABLED: "true" } });
    expect(nobody.identity).toContain("no AWS credentials found");
    expect(nobody.probes[0]?.error?.code).toBe("E_REMOTE_AUTH");
    expect(nobody.text).not.toContain("needs");
  });

  const dvc = peerWith("dvc", "dvc_s3");
  it.skipIf(dvc === null)("shares a bucket with real dvc, both ways", { timeout: 240_000 }, () => {
    sharesWithDvc(dvc ?? "", { url: "s3://conformance/shared", options: { endpointurl: server.url, ...keysOf("all") } });
  });
});

async function told(client: S3Client, request: Omit<Parameters<S3Client["ask"]>[0], "signal" | "doing">): Promise<string> {
  const { body } = await client.ask({ ...request, signal: new AbortController().signal, doing: "ask" });
  let text = "";
  for await (const chunk of body) text += String(chunk);
  return text;
}
