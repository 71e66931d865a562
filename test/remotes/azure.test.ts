import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { azureServer } from "../../src/store/remotes/azure/azure.ts";
import { findLogin } from "../../src/store/remotes/azure/credentials.ts";
import { newController } from "../../src/store/remotes/many.ts";
import { remoteOf } from "../../src/store/remotes/open-remote.ts";
import { peerWith } from "../support/peers.ts";
import { makeFolder } from "../support/repository.ts";
import { ACCOUNT, type Azurite, azuriteProgram, KEY, startAzurite } from "../support/servers/azurite.ts";
import { startFaultProxy } from "../support/servers/fault-proxy.ts";
import { blankSource } from "./blank-source.ts";
import { checkOf } from "./check-of.ts";
import { conformance, makeCache, objectsOf, open } from "./conformance.ts";
import { sharesWithDvc } from "./shares-with-dvc.ts";
import { tryOut } from "./try-out.ts";

const MIB = 2 ** 20;

describe.skipIf(azuriteProgram() === null)("on Azurite", () => {
  let server: Azurite;
  beforeAll(async () => {
    server = await startAzurite();
    await server.makeContainer("conformance");
    await server.makeContainer("public", { isPublic: true });
  });
  afterAll(() => server?.stop());

  conformance("azure", () => ({
    site: (name) => ({
      url: `azure://conformance/${name}`,
      options: { connection_string: server.connectionString },
      plant: (key, bytes) => server.plant("conformance", `${name}/${key}`, bytes),
      contents: () => server.contents("conformance", name),
    }),
    stop() {},
  }));

  /** Sends one object and brings it back with nothing but this environment; answers the code of what went wrong. */
  function tryWith(options: Record<string, string>, env: Record<string, string> = {}): Promise<ErrorCode | "fine"> {
    const url = options.url ?? "azure://conformance/tried";
    const remote = remoteOf(
      { name: "store", url, options: new Map(Object.entries({ url, ...options })) },
      { HOME: makeFolder("home"), ...env },
    );
    return tryOut(remote, JSON.stringify([options, env]));
  }

  const withSas = (permissions: string, options: { ends?: Date } = {}) =>
    `BlobEndpoint=${server.url};SharedAccessSignature=${server.sas(permissions, options)}`;

  it("takes a connection string from DVC's options, the environment or the file of Azure's tools, in this order", async () => {
    const home = makeFolder("home");
    mkdirSync(join(home, ".azure"));
    writeFileSync(join(home, ".azure/config"), `[storage]\nconnection_string = ${server.connectionString}\n`);
    const wrong = server.connectionString.replace(KEY, Buffer.from("wrong").toString("base64"));
    expect(await tryWith({ connection_string: server.connectionString }, { AZURE_STORAGE_CONNECTION_STRING: wrong })).toBe("fine");
    expect(await tryWith({}, { AZURE_STORAGE_CONNECTION_STRING: server.connectionString })).toBe("fine");
    expect(await tryWith({}, { HOME: home })).toBe("fine");
    expect(await tryWith({}, { HOME: home, AZURE_STORAGE_CONNECTION_STRING: wrong })).toBe("E_REMOTE_AUTH");
    expect(await tryWith({}, { AZURE_CONFIG_DIR: join(home, ".azure") })).toBe("fine");
  });

  it("tells a wrong key, a token that may not or has ended, and a container that is not there apart", async () => {
    const tries: [options: Record<string, string>, expected: ErrorCode | "fine"][] = [
      [{ connection_string: server.connectionString.replace(KEY, Buffer.from("wrong").toString("base64")) }, "E_REMOTE_AUTH"],
      [{ connection_string: withSas("rwl") }, "fine"],
      [{ connection_string: withSas("rl") }, "E_REMOTE_FORBIDDEN"],
      [{ connection_string: withSas("rwl", { ends: new Date(Date.now() - 60_000) }) }, "E_REMOTE_AUTH"],
      [{ connection_string: server.connectionString, url: "azure://no-such-container/x" }, "E_REMOTE_ABSENT"],
      [{ connection_string: server.connectionString, url: "azure://" }, "E_CONFIG"],
      [{ connection_string: "nonsense" }, "E_CONFIG"],
      [{ account_name: "my account", account_key: "a2V5" }, "E_CONFIG"],
      [{ connection_string: `AccountName=${ACCOUNT};BlobEndpoint=${server.url}` }, "E_REMOTE_AUTH"],
      [{}, "E_REMOTE_AUTH"],
    ];
    for (const [options, expected] of tries) expect([options, await tryWith(options)]).toEqual([options, expected]);
    const remote = open({ url: "azure://no-such-container/x", options: { connection_string: server.connectionString } });
    const object = { hash: "0".repeat(32), hashName: "md5" } as const;
    await expect(remote.present([object], {})).rejects.toMatchObject({
      code: "E_REMOTE_ABSENT",
      hint: expect.stringContaining("Create the container"),
    });
    await expect(remote.read(object)).rejects.toMatchObject({ code: "E_REMOTE_ABSENT" });
  });

  it("reads what is public as nobody, and works with a token that may not list", async () => {
    const here = makeCache();
    const parcels = Array.from({ length: 1000 }, (_, index) => here.put(`azure ${index}`)).filter(({ object }) => object.hash < "04");
    const objects = objectsOf(parcels);
    expect(await open({ url: "azure://public/x", options: { connection_string: withSas("rw") } }).send(parcels, {})).toEqual([]);
    for (const connection_string of [`BlobEndpoint=${server.url}`, withSas("rw")]) {
      const remote = open({ url: "azure://public/x", options: { connection_string } });
      expect(await remote.present(objects, {})).toHaveLength(objects.length);
      const cache = makeCache();
      expect(await cache.receive(remote, objects)).toEqual([]);
    }
  });

  it("goes on with an upload that was broken off, and shows nothing before", async () => {
    const proxy = await startFaultProxy(server.url);
    try {
      const at = server.connectionString.replace(server.url, `${proxy.url}/${ACCOUNT}`);
      const options = new Map([["connection_string", at]]);
      const ours = azureServer({ name: "store", url: "azure://conformance/resumed", options }, {});
      const isBlock = ({ method, url }: { method: string; url: string }) => method === "PUT" && /comp=block&/.test(url);
      let blocks = 0;
      proxy.reset((asked) => (isBlock(asked) && ++blocks > 2 ? { status: 403 } : null));
      const source = blankSource(34 * MIB);
      const { signal } = newController();
      await expect(ours.putInParts?.("files/x", source, signal)).rejects.toMatchObject({ code: "E_REMOTE_FORBIDDEN" });
      expect(await ours.find("files/x", signal)).toBeNull();
      expect((await server.contents("conformance", "resumed")).size).toBe(0);
      proxy.reset();
      await ours.putInParts?.("files/x", source, signal);
      // Five in all, two of which were there.
      expect(proxy.asked.filter(isBlock)).toHaveLength(3);
      const there = (await server.contents("conformance", "resumed")).get("files/x");
      expect(
        createHash("md5")
          .update(there ?? "")
          .digest("hex"),
      ).toBe(source.md5);
    } finally {
      await proxy.stop();
    }
  });

  it("is not stopped by blocks that another program has left", async () => {
    const url = `${server.url}/conformance/foreign/files/x?comp=block&blockid=${encodeURIComponent(Buffer.from("one").toString("base64"))}`;
    expect((await fetch(`${url}&${server.sas("w")}`, { method: "PUT", body: "foreign" })).status).toBe(201);
    const options = new Map([["connection_string", server.connectionString]]);
    const ours = azureServer({ name: "store", url: "azure://conformance/foreign", options }, {});
    await ours.putInParts?.("files/x", blankSource(9 * MIB), newController().signal);
    expect((await server.contents("conformance", "foreign")).get("files/x")?.length).toBe(9 * MIB);
  });

  it("check names who we are, what may be done, and what is missing", async () => {
    const url = "azure://conformance/checked";
    const all = await checkOf({ url, options: { connection_string: server.connectionString } });
    expect(all).toMatchObject({
      states: "put ok, head ok, list ok, get ok, multipart ok, delete ok",
      identity: `the account's key of a connection string, from DVC's configuration (connection_string), in account ${ACCOUNT}`,
      clockSkewSeconds: expect.any(Number),
      exitCode: 0,
    });
    expect((await server.contents("conformance", "checked")).size).toBe(0);
    const readonly = await checkOf({ url, env: { AZURE_STORAGE_CONNECTION_STRING: withSas("rl") } });
    expect(readonly.states).toBe("put failed, head not tried, list ok, get not tried, multipart failed, delete not tried");
    expect(readonly.identity).toContain("the SAS token of a connection string, from the environment (AZURE_STORAGE_CONNECTION_STRING)");
    expect(readonly.text).toMatch(/put +failed +needs w of the SAS token, or Storage Blob Data Contributor\n +E_REMOTE_FORBIDDEN/);
    const nobody = await checkOf({ url });
    expect(nobody.identity).toContain("nobody: remote store: nothing says which storage account it is in");
  });

  const dvc = peerWith("dvc", "dvc_azure");
  it.skipIf(dvc === null)("shares a container with real dvc, both ways", { timeout: 240_000 }, () => {
    sharesWithDvc(dvc ?? "", { url: "azure://conformance/shared", options: { connection_string: server.connectionString } });
  });
});

describe("on Azure", () => {
  const loginOf = (options: Record<string, string>, env: Record<string, string> = {}) =>
    findLogin({ name: "store", url: "azure://c", options: new Map(Object.entries(options)) }, { HOME: makeFolder("home"), ...env });

  it("finds the account and who we are there in dvc's order", async () => {
    const account = { account_name: "acc" };
    const tries: [options: Record<string, string>, env: Record<string, string>, kind: string, who: string][] = [
      [{ ...account, account_key: "a2V5" }, {}, "key", "the account's key, from DVC's configuration (account_key), in account acc"],
      [account, { AZURE_STORAGE_KEY: "a2V5" }, "key", "the account's key, from the environment (AZURE_STORAGE_KEY), in account acc"],
      [
        {},
        { AZURE_STORAGE_ACCOUNT: "acc", AZURE_STORAGE_SAS_TOKEN: "?sig=1" },
        "sas",
        "a SAS token, from the environment (AZURE_STORAGE_SAS_TOKEN), in account acc",
      ],
      [
        { ...account, account_key: "a2V5", sas_token: "sig=1" },
        {},
        "key",
        "the account's key, from DVC's configuration (account_key), in account acc",
      ],
      [{ ...account, allow_anonymous_login: "true" }, {}, "nobody", "nobody (allow_anonymous_login), in account acc"],
    ];
    for (const [options, env, kind, who] of tries) {
      const login = loginOf(options, env);
      expect([login.service.href, login.who, (await login.prove()).kind]).toEqual(["https://acc.blob.core.windows.net/", who, kind]);
    }
    expect(loginOf({ connection_string: "AccountName=a;AccountKey=a2V5;EndpointSuffix=core.example" }).service.href).toBe(
      "https://a.blob.core.example/",
    );
    expect(loginOf({ connection_string: "UseDevelopmentStorage=true" }).service.href).toBe("http://127.0.0.1:10000/devstoreaccount1");
  });

  it("gets a token for a service principal, a workload, a machine or who is logged in", async () => {
    const asked: string[] = [];
    const giver = createServer((incoming, outgoing) => {
      let body = "";
      incoming.on("data", (chunk) => {
        body += String(chunk);
      });
      incoming.on("end", () => {
        const form = new URLSearchParams(body);
        asked.push(
          `${incoming.method} ${incoming.url?.split("?")[0]} ${form.get("client_secret") ?? form.get("client_assertion") ?? incoming.headers["x-identity-header"]}`,
        );
        if (form.get("client_secret") === "wrong") outgoing.statusCode = 401;
        outgoing.end(JSON.stringify(outgoing.statusCode === 401 ? { error: "invalid_client" } : { access_token: "t", expires_in: 3600 }));
      });
    });
    await new Promise<void>((resolve) => giver.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(giver.address() as { port: number }).port}`;
    const programs = makeFolder("programs");
    writeFileSync(join(programs, "az"), `#!/bin/sh\necho '{"accessToken": "t", "expires_on": 4102444800}'\n`);
    chmodSync(join(programs, "az"), 0o755);
    const jwt = join(programs, "jwt");
    writeFileSync(jwt, "assertion\n");
    try {
      const account = { account_name: "acc" };
      const ends = { AZURE_AUTHORITY_HOST: at };
      const own = { ...account, tenant_id: "ten", client_id: "cli", client_secret: "sec" };
      const principal = { AZURE_TENANT_ID: "ten", AZURE_CLIENT_ID: "cli" };
      const machine = { IDENTITY_ENDPOINT: `${at}/identity`, IDENTITY_HEADER: "head" };
      const noMachine = { ...account, exclude_managed_identity_credential: "true" };
      const tries: [options: Record<string, string>, env: Record<string, string>, request: string[], source: RegExp][] = [
        [own, ends, ["POST /ten/oauth2/v2.0/token sec"], /principal cli, from DVC/],
        [
          account,
          { ...ends, ...principal, AZURE_CLIENT_SECRET: "env" },
          ["POST /ten/oauth2/v2.0/token env"],
          /principal cli, from the environment/,
        ],
        [account, { ...ends, ...principal, AZURE_FEDERATED_TOKEN_FILE: jwt }, ["POST /ten/oauth2/v2.0/token assertion"], /principal cli/],
        [account, machine, ["GET /identity head"], /machine/],
        [noMachine, { ...machine, PATH: `${programs}:${process.env.PATH}` }, [], /az login/],
      ];
      for (const [options, env, request, source] of tries) {
        asked.length = 0;
        const proof = await loginOf(options, env).prove();
        expect([options, proof]).toMatchObject([options, { kind: "token", token: "t", source: expect.stringMatching(source) }]);
        expect(asked).toEqual(request);
      }
      await expect(loginOf({ ...own, client_secret: "wrong" }, ends).prove()).rejects.toMatchObject({ code: "E_REMOTE_AUTH" });
      await expect(loginOf(noMachine, { PATH: makeFolder("empty") }).prove()).rejects.toMatchObject({
        code: "E_REMOTE_AUTH",
        hint: expect.stringContaining("az login"),
      });
    } finally {
      giver.close();
      giver.closeAllConnections();
    }
  });

  it("works though our clock is wrong, and knows by how much", async () => {
    const ahead = 3_600_000;
    const strict = createServer((incoming, outgoing) => {
      const now = Date.now() + ahead;
      outgoing.sendDate = false;
      outgoing.setHeader("date", new Date(now).toUTCString());
      const isRight = Math.abs(Date.parse(String(incoming.headers["x-ms-date"])) - now) < 900_000;
      outgoing.statusCode = isRight ? 404 : 403;
      outgoing.setHeader("x-ms-error-code", isRight ? "BlobNotFound" : "AuthenticationFailed");
      outgoing.end();
    });
    await new Promise<void>((resolve) => strict.listen(0, "127.0.0.1", resolve));
    try {
      const endpoint = `http://127.0.0.1:${(strict.address() as { port: number }).port}/acc`;
      const options = new Map([["connection_string", `AccountName=acc;AccountKey=a2V5;BlobEndpoint=${endpoint}`]]);
      const ours = azureServer({ name: "store", url: "azure://c/x", options }, {});
      expect(await ours.find("nothing", newController().signal)).toBeNull();
      expect(Math.round((ours.skewMs() ?? 0) / 60_000)).toBe(60);
    } finally {
      strict.close();
      strict.closeAllConnections();
    }
  });
});
