/** One request to a container at a time, with the proof of who we are; errors named. */
import { type ErrorCode, ExpverError } from "../../../errors.ts";
import { type HttpAnswer, type HttpClient, readAnswer } from "../../../platform/http.ts";
import type { CloudClient, CloudRequest } from "../cloud-client.ts";
import { skewOf } from "../http-access.ts";
import { encodePath } from "../keys.ts";
import { fromNetworkError, fromStatus } from "../problems.ts";
import { keeping } from "../token-source.ts";
import { textIn } from "../xml.ts";
import type { Login, Proof } from "./credentials.ts";
import { sharedKey } from "./sign.ts";

interface AzureRequest extends CloudRequest {
  method: "GET" | "PUT" | "DELETE" | "HEAD";
  /** Relative to the container, as it is named there; empty: the container itself. */
  key: string;
  /** Azure's codes that are an answer. */
  accept?: readonly string[];
}

/** An answer, and the code Azure gave it when it is a refusal. */
interface AzureAnswer extends HttpAnswer {
  code: string;
}

export interface AzureClient extends CloudClient {
  ask(request: AzureRequest): Promise<AzureAnswer>;
  /** Who we are and where that comes from, for a person. Throws E_REMOTE_AUTH, E_CONFIG. */
  identity(): Promise<string>;
}

interface AzureClientOptions {
  /** Name of the remote. */
  remote: string;
  find: () => Login;
  container: string;
  http: HttpClient;
  clock: () => Date;
}

// Azure lets a clock be wrong by a quarter of an hour.
const SKEW_MS = 10 * 60_000;
const VERSION = "2021-12-02";

const MEANINGS: Record<string, ErrorCode> = {
  AccountIsDisabled: "E_REMOTE_FORBIDDEN",
  AuthenticationFailed: "E_REMOTE_AUTH",
  ContainerNotFound: "E_REMOTE_ABSENT",
  InvalidAuthenticationInfo: "E_REMOTE_AUTH",
  KeyBasedAuthenticationNotPermitted: "E_REMOTE_AUTH",
  NoAuthenticationInformation: "E_REMOTE_AUTH",
  PublicAccessNotPermitted: "E_REMOTE_AUTH",
};

const HINTS: Record<string, string> = {
  AuthenticationFailed: "The key or SAS token is not this account's, or has ended: `expver data remote check` shows where it comes from.",
  AuthorizationFailure: "The account lets in other networks only: see its firewall. Or the SAS token may not do this.",
  AuthorizationPermissionMismatch:
    "We are known but may not do this: give the role Storage Blob Data Contributor, or `r`, `w`, `d`, `l` in the SAS token.",
  ContainerNotFound: "Create the container (az storage container create -n CONTAINER), or correct the remote's url.",
  KeyBasedAuthenticationNotPermitted: "The account takes no keys: log in with `az login`, or use a SAS token of a user.",
  PublicAccessNotPermitted: "The account lets nobody in without credentials: set account_key or sas_token, or log in with `az login`.",
};

/** Gone a moment later, whatever the status. */
const PASSING = new Set(["ContainerBeingDeleted", "InternalError", "Md5Mismatch", "OperationTimedOut", "ServerBusy"]);

export function azureClient({ remote, find, container, http, clock }: AzureClientOptions): AzureClient {
  let skew = 0;
  let seenSkew: number | null = null;
  let login: Login | null = null;
  const known = (): Login => {
    login ??= find();
    return login;
  };
  const proof = keeping(
    async () => known().prove(),
    (found) => (found.kind === "token" ? found.expires : undefined),
    clock,
  );
  const prove = async (): Promise<{ login: Login; proof: Proof }> => ({ login: known(), proof: await proof.get() });

  const send = async ({ method, key, query = {}, headers = {}, body, length, signal }: AzureRequest): Promise<HttpAnswer> => {
    const { login, proof } = await prove();
    const url = new URL(login.service);
    url.pathname = `${url.pathname.replace(/\/*$/, "")}/${encodePath(container)}${key === "" ? "" : `/${encodePath(key)}`}`;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    url.search = url.search.replaceAll("+", "%20");
    const size = length ?? (method === "PUT" ? 0 : undefined);
    const all: Record<string, string> = {
      ...headers,
      "x-ms-version": VERSION,
      "x-ms-date": new Date(clock().getTime() + skew).toUTCString(),
    };
    if (proof.kind === "key") all.authorization = sharedKey(proof.key, { method, url, headers: all, length: size });
    if (proof.kind === "token") all.authorization = `Bearer ${proof.token}`;
    if (proof.kind === "sas") url.search = [url.search.replace(/^\?/, ""), proof.sas].filter(Boolean).join("&");
    return http({ method, url, headers: all, body, signal, redirect: "answer", ...(size === undefined ? {} : { length: size }) });
  };

  const ask = async (request: AzureRequest, mayCorrect = true): Promise<AzureAnswer> => {
    const asked = { remote, doing: request.doing };
    const answer = await send(request).catch((error: unknown) => {
      throw fromNetworkError(error, asked);
    });
    const { status, headers } = answer;
    seenSkew = skewOf(headers, clock().getTime()) ?? seenSkew;
    // In a header, so that a HEAD says it too.
    const named = [headers["x-ms-error-code"]].flat()[0];
    if (status < 300 || (named !== undefined && request.accept?.includes(named))) return { ...answer, code: named ?? "" };
    const text = request.method === "HEAD" ? "" : await readAnswer(answer, 2 ** 16).then(String, () => "");
    const said = textIn(text, "Message")?.split("\n")[0] ?? text;
    // The emulator calls a wrong signature by another name.
    const code =
      named === "AuthorizationFailure" && /authenticate the request/.test(said)
        ? "AuthenticationFailed"
        : (named ?? textIn(text, "Code") ?? "");
    const isSkewed = code === "AuthenticationFailed" && Math.abs((seenSkew ?? 0) - skew) > SKEW_MS;
    if (isSkewed && mayCorrect) {
      skew = seenSkew ?? 0;
      return ask(request, false);
    }
    const plain = fromStatus(status, asked, { text: code === "" ? said : `${code}: ${said}`, retryAfter: headers["retry-after"] });
    throw new ExpverError(PASSING.has(code) ? "E_REMOTE_ANSWER" : (MEANINGS[code] ?? plain.code), plain.message, {
      hint: HINTS[code] ?? (code in MEANINGS ? undefined : plain.hint),
      details: { ...plain.details, ...(code === "" ? {} : { azure: code }), ...(PASSING.has(code) ? { passing: true } : {}) },
    });
  };

  const identity = async (): Promise<string> => {
    const { login, proof } = await prove();
    return proof.kind === "token" ? `${proof.source}, in account ${login.service.host}` : login.who;
  };

  return { remote, ask: (request) => ask(request), identity, skewMs: () => seenSkew };
}
