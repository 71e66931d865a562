/** Files of other people in Azure and Google's storage, as dvc has them. */
import { peerWith } from "../support/peers.ts";
import { azuriteProgram, startAzurite } from "../support/servers/azurite.ts";
import { fakeGcsProgram, startFakeGcs } from "../support/servers/fake-gcs.ts";
import { type Server, urlsAsDvc } from "./urls.ts";

const SERVERS: [kind: string, isThere: boolean, start: () => Promise<Server>][] = [
  [
    "azure",
    peerWith("dvc", "dvc_azure") !== null && azuriteProgram() !== null,
    async () => {
      const server = await startAzurite();
      await server.makeContainer("bucket");
      const put = (path: string, text: string) => server.plant("bucket", `in/${path}`, Buffer.from(text));
      const options = { connection_string: server.connectionString };
      return { put, url: "azure://bucket/in", options, env: {}, hasFolders: true, stop: () => server.stop() };
    },
  ],
  [
    "gs",
    peerWith("dvc", "dvc_gs") !== null && fakeGcsProgram() !== null,
    async () => {
      const server = await startFakeGcs();
      await server.makeBucket("bucket");
      const put = (path: string, text: string) => server.plant("bucket", `in/${path}`, Buffer.from(text));
      const options = { endpointurl: server.url, allow_anonymous_login: "true" };
      // Without it dvc looks for a service that the emulator does not have.
      const env = { GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: "false" };
      return { put, url: "gs://bucket/in", options, env, hasFolders: true, stop: () => server.stop() };
    },
  ],
];

for (const server of SERVERS) urlsAsDvc(...server);
