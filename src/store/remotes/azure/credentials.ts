/**
 * Who we are to Azure, found where dvc looks and in its order: a connection string, a service principal, the account's key, a SAS token,
 * then what every Azure tool takes (environment, workload, machine, `az login`). DVC's options stand above the environment, that above
 * `~/.azure/config`.
 */
import { join } from "node:path";
import { ExpverError, failedWith } from "../../../errors.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { homeFolder } from "../../../platform/home.ts";
import { runProcess } from "../../../platform/processes.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import type { Environment } from "../http-access.ts";
import { parseIni } from "../ini.ts";
import { fetchText, parseJson } from "../token-source.ts";
import type { SharedKey } from "./sign.ts";

export type Proof =
  | { kind: "key"; key: SharedKey }
  /** Query of a URL, without a question mark. */
  | { kind: "sas"; sas: string }
  | { kind: "token"; token: string; expires: number; source: string }
  | { kind: "nobody" };

export interface Login {
  /** Where blobs are: `https://ACCOUNT.blob.core.windows.net`, or with the account in the path. */
  service: URL;
  /** Asked again when a token ends. Throws E_REMOTE_AUTH. */
  prove(): Promise<Proof>;
  /** Who that is and where it came from, for a person; a token says more. */
  who: string;
}

interface Setting {
  value: string;
  source: string;
}

interface Asked {
  remote: string;
  env: Environment;
}

const RESOURCE = "https://storage.azure.com/";
const FOREVER = Number.POSITIVE_INFINITY;
const METADATA_MS = 1000;
// As Microsoft publishes them, for the emulator of everybody.
const EMULATOR: Record<string, string> = {
  accountname: "devstoreaccount1",
  accountkey: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
  blobendpoint: "http://127.0.0.1:10000/devstoreaccount1",
};

/** Throws E_REMOTE_AUTH when nothing says which account, E_CONFIG for a connection string that is none. */
export function findLogin({ name: remote, options }: RemoteConfig, env: Environment): Login {
  const folder = env.AZURE_CONFIG_DIR || join(homeFolder(env), ".azure");
  const stored = parseIni(readTextIfExists(join(folder, "config")) ?? "").get("storage");
  const find = (option: string, variables: readonly string[], stores?: string): Setting | undefined => {
    const own = options.get(option);
    if (own) return { value: own, source: `DVC's configuration (${option})` };
    for (const variable of variables) {
      const value = env[variable];
      if (value) return { value, source: `the environment (${variable})` };
    }
    const value = stores === undefined ? undefined : stored?.get(stores);
    return value ? { value, source: join(folder, "config") } : undefined;
  };
  const connection = find("connection_string", ["AZURE_STORAGE_CONNECTION_STRING"], "connection_string");
  if (connection !== undefined) return ofConnection(remote, connection);

  const account = find("account_name", ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"], "account");
  if (account === undefined) {
    throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: nothing says which storage account it is in`, {
      hint: `Set account_name or connection_string: expver data remote modify --local ${remote} account_name …, or AZURE_STORAGE_ACCOUNT.`,
      details: { remote },
    });
  }
  const address = `https://${account.value}.blob.core.windows.net`;
  if (!URL.canParse(address)) {
    throw new ExpverError(
      "E_CONFIG",
      `remote ${remote}: ${account.source} says ${JSON.stringify(account.value)}, which is no name of an account`,
      {
        hint: "It has small letters and digits only, as in https://ACCOUNT.blob.core.windows.net.",
        details: { remote },
      },
    );
  }
  const service = new URL(address);
  const login = (who: string, prove: () => Promise<Proof>): Login => ({ service, who: `${who}, in account ${account.value}`, prove });
  const tenant = find("tenant_id", ["AZURE_STORAGE_TENANT_ID"]);
  const client = find("client_id", ["AZURE_STORAGE_CLIENT_ID"]);
  const secret = find("client_secret", ["AZURE_STORAGE_CLIENT_SECRET"]);
  if (tenant && client && secret) {
    const source = `service principal ${client.value}, from ${client.source}`;
    const form = { client_id: client.value, client_secret: secret.value };
    return login(source, () => ofTenant({ remote, env }, tenant.value, { ...form, source }));
  }
  const key = find("account_key", ["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"], "key");
  if (key !== undefined)
    return login(`the account's key, from ${key.source}`, async () => ({
      kind: "key",
      key: { account: account.value, key: key.value },
    }));
  const sas = find("sas_token", ["AZURE_STORAGE_SAS_TOKEN"], "sas_token");
  if (sas !== undefined) return login(`a SAS token, from ${sas.source}`, async () => ({ kind: "sas", sas: sas.value.replace(/^\?/, "") }));
  const isTrue = (option: string) => options.get(option)?.toLowerCase() === "true";
  if (isTrue("allow_anonymous_login")) return login("nobody (allow_anonymous_login)", async () => ({ kind: "nobody" }));
  return login("whoever is logged in", () => ofSurroundings({ remote, env }, isTrue));
}

function ofConnection(remote: string, { value, source }: Setting): Login {
  const given = Object.fromEntries(
    value.split(";").flatMap((part) => {
      const [, name, text] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
      return name === undefined || text === undefined ? [] : [[name.toLowerCase(), text]];
    }),
  ) as Record<string, string>;
  const parts: Record<string, string> = given.usedevelopmentstorage === "true" ? { ...EMULATOR, ...given } : given;
  const { accountname: account, accountkey: key, sharedaccesssignature: sas, endpointsuffix = "core.windows.net" } = parts;
  const endpoint = parts.blobendpoint ?? `${parts.defaultendpointsprotocol ?? "https"}://${account}.blob.${endpointsuffix}`;
  if ((parts.blobendpoint ?? account) === undefined || !URL.canParse(endpoint)) {
    throw new ExpverError("E_CONFIG", `remote ${remote}: the connection string of ${source} names neither AccountName nor BlobEndpoint`, {
      hint: "Copy it from the portal, or: az storage account show-connection-string -n ACCOUNT",
      details: { remote },
    });
  }
  const service = new URL(endpoint);
  const where = `a connection string, from ${source}, in account ${account ?? service.host}`;
  if (account !== undefined && key !== undefined)
    return { service, who: `the account's key of ${where}`, prove: async () => ({ kind: "key", key: { account, key } }) };
  if (sas !== undefined)
    return { service, who: `the SAS token of ${where}`, prove: async () => ({ kind: "sas", sas: sas.replace(/^\?/, "") }) };
  return { service, who: `nobody (${where} has no key)`, prove: async () => ({ kind: "nobody" }) };
}

async function ofTenant(asked: Asked, tenant: string, { source, ...form }: { source: string; [field: string]: string }): Promise<Proof> {
  const host = asked.env.AZURE_AUTHORITY_HOST || "https://login.microsoftonline.com";
  const url = new URL(`${host.replace(/\/*$/, "")}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`);
  const body = Buffer.from(new URLSearchParams({ grant_type: "client_credentials", scope: `${RESOURCE}.default`, ...form }).toString());
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  try {
    return ofAnswer(await fetchText(asked, { method: "POST", url, headers, body: () => [body], length: body.length }), source);
  } catch (error) {
    // A wrong secret is answered with 400 or 401.
    if (!(error instanceof ExpverError) || ![400, 401].includes(Number(error.details.status))) throw error;
    throw new ExpverError("E_REMOTE_AUTH", error.message, {
      hint: "Tenant, client and secret do not belong together, or the secret has ended.",
      details: error.details,
      cause: error,
    });
  }
}

/** What Azure's own tools try one after the other. */
async function ofSurroundings(asked: Asked, isTrue: (option: string) => boolean): Promise<Proof> {
  const { env, remote } = asked;
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_CLIENT_SECRET: secret } = env;
  if (!isTrue("exclude_environment_credential") && tenant && client) {
    const source = `service principal ${client}, from the environment (AZURE_CLIENT_ID)`;
    if (secret) return ofTenant(asked, tenant, { client_id: client, client_secret: secret, source });
    const token = env.AZURE_FEDERATED_TOKEN_FILE ? readTextIfExists(env.AZURE_FEDERATED_TOKEN_FILE) : null;
    const assertion = {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: token?.trim() ?? "",
    };
    if (token !== null) return ofTenant(asked, tenant, { client_id: client, ...assertion, source });
  }
  const found = (isTrue("exclude_managed_identity_credential") ? null : await ofMachine(asked)) ?? ofCommand(asked);
  if (found !== null) return found;
  throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: no Azure credentials found`, {
    hint: `Log in with \`az login\`, or set AZURE_STORAGE_KEY, or: expver data remote modify --local ${remote} account_key …`,
    details: { remote, looked: ["DVC's configuration", "environment", "workload", "machine", "az"] },
  });
}

/** A machine or function of Azure has an identity; nothing answers elsewhere. */
async function ofMachine(asked: Asked): Promise<Proof | null> {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header, AZURE_CLIENT_ID: client } = asked.env;
  const url = new URL(endpoint && header ? endpoint : "http://169.254.169.254/metadata/identity/oauth2/token");
  url.searchParams.set("api-version", endpoint && header ? "2019-08-01" : "2018-02-01");
  url.searchParams.set("resource", RESOURCE);
  if (client) url.searchParams.set("client_id", client);
  const headers: Record<string, string> = endpoint && header ? { "x-identity-header": header } : { metadata: "true" };
  try {
    return ofAnswer(await fetchText(asked, { method: "GET", url, headers }, METADATA_MS), "the machine's identity");
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

/** Who logged in with Azure's own program, where it is installed. */
function ofCommand({ env }: Asked): Proof | null {
  const args = ["account", "get-access-token", "--resource", RESOURCE, "--output", "json"];
  try {
    const { code, stdout } = runProcess("az", args, { cwd: "/", env, timeoutMs: 60_000 });
    return code === 0 ? ofAnswer(stdout.toString("utf8"), "whoever did `az login`") : null;
  } catch (error) {
    if (failedWith(error, "E_IO")) return null;
    throw error;
  }
}

/** Throws E_REMOTE_AUTH when there is no token in it. */
function ofAnswer(text: string, source: string): Proof {
  const answer = parseJson(text);
  const token = answer?.access_token ?? answer?.accessToken;
  if (typeof token !== "string") throw new ExpverError("E_REMOTE_AUTH", "a service for credentials answered without a token");
  const seconds = Number(answer?.expires_on);
  const left = Number(answer?.expires_in);
  const expires = seconds > 0 ? seconds * 1000 : left > 0 ? Date.now() + left * 1000 : FOREVER;
  return { kind: "token", token, expires, source };
}
