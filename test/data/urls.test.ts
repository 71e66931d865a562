import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { peerWith } from "../support/peers.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { type Nginx, nginx, startNginx } from "../support/servers/nginx.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { type Sshd, sshd, startSshd } from "../support/servers/sshd.ts";
import { FILES, folderPut, type Server, urlsAsDvc } from "./urls.ts";

const SERVERS: [kind: string, isThere: boolean, start: () => Promise<Server>][] = [
  [
    "a folder of this machine",
    true,
    async () => {
      const root = makeFolder("there");
      return { put: folderPut(root), url: root, options: {}, env: {}, hasFolders: true, stop: async () => {} };
    },
  ],
  [
    "http",
    nginx !== null,
    async () => {
      const server: Nginx = await startNginx();
      const put = folderPut(join(server.root, "open"));
      return { put, url: `${server.url}/moved`, options: {}, env: {}, hasFolders: false, stop: () => server.stop() };
    },
  ],
  [
    "s3",
    peerWith("dvc", "dvc_s3") !== null && seaweedProgram() !== null,
    async () => {
      const server: Seaweed = await startSeaweed();
      await server.makeBucket("bucket");
      const { access_key_id: id, secret_access_key: secret } = keysOf("all");
      const env = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_ENDPOINT_URL: server.url, AWS_REGION: "us-east-1" };
      const put = (path: string, text: string) => server.plant("bucket", `in/${path}`, Buffer.from(text));
      return { put, url: "s3://bucket/in", options: {}, env, hasFolders: true, stop: () => server.stop() };
    },
  ],
  [
    "ssh",
    peerWith("dvc", "dvc_ssh") !== null && sshd !== null,
    async () => {
      const server: Sshd = await startSshd();
      server.configure(server.usual);
      const url = `ssh://${server.user}@127.0.0.1:${server.port}${server.root}`;
      return {
        put: folderPut(server.root),
        url,
        options: { keyfile: server.key },
        env: { PATH: server.path },
        hasFolders: true,
        stop: () => server.stop(),
      };
    },
  ],
];

for (const server of SERVERS) urlsAsDvc(...server);

describe.skipIf(nginx === null)("webdav, where dvc needs a server that tells ETags of folders", () => {
  it("imports a folder and takes what is new there", async () => {
    const server = await startNginx();
    try {
      const put = folderPut(join(server.root, "open"));
      for (const [path, text] of Object.entries(FILES)) put(path, text);
      const repository = makeRepository();
      const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
      must("init", "-q");
      const url = `${server.url.replace("http", "webdav")}/open/d`;
      must("import-url", url);
      expect([repository.read("d/x"), repository.read("d/e/y z"), repository.read("d/e/ü")]).toEqual(["1\n", "2\n", "3\r\n"]);
      const before = repository.read("d.dvc");
      must("update", "d.dvc");
      expect(repository.read("d.dvc")).toBe(before);
      put("d/x", "newer\n");
      must("update", "d.dvc");
      expect(repository.read("d/x")).toBe("newer\n");
      expect(repository.expver(["data", "import-url", `${url}/nothing`])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("there is no"),
      });
    } finally {
      await server.stop();
    }
  });
});
