/** One request to Google Cloud Storage at a time, with a token that is renewed; errors named. */
import { type ErrorCode, ExpverError } from "../../../errors.ts";
import { type HttpAnswer, type HttpClient, readAnswer } from "../../../platform/http.ts";
import type { CloudClient, CloudRequest } from "../cloud-client.ts";
import { skewOf } from "../http-access.ts";
import { fromNetworkError, fromStatus } from "../problems.ts";
import { keeping, parseJson } from "../token-source.ts";
import type { Token } from "./credentials.ts";

interface GsRequest extends CloudRequest {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below the endpoint: `storage/v1/b/BUCKET/o`, percent-encoded; a query may follow. */
  path: string;
  /** Statuses from 300 on that are an answer. */
  accept?: readonly number[];
}

export interface GsClient extends CloudClient {
  ask(request: GsRequest): Promise<HttpAnswer>;
  /** Null: nobody. Throws E_REMOTE_AUTH, E_REMOTE_CLOCK. */
  token(): Promise<Token | null>;
}

interface GsClientOptions {
  /** Name of the remote. */
  remote: string;
  endpoint: URL;
  http: HttpClient;
  find: () => Promise<Token | null>;
  clock: () => Date;
}

/** Answered with 403 or 400, yet gone a moment later. */
const PASSING = /rateLimitExceeded|userRateLimitExceeded|backendError|doesn't match calculated MD5/;

export function gsClient({ remote, endpoint, http, find, clock }: GsClientOptions): GsClient {
  let seenSkew: number | null = null;
  const token = keeping(find, (found) => found?.expires, clock);

  const ask = async (request: GsRequest, mayRenew = true): Promise<HttpAnswer> => {
    const { method, path, query = {}, headers = {}, body, length, signal, accept, doing } = request;
    const asked = { remote, doing };
    const url = new URL(path, endpoint);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const mine = await token.get();
    const size = length ?? (method === "PUT" || method === "POST" ? 0 : undefined);
    const answer = await http({
      method,
      url,
      headers: mine === null ? headers : { ...headers, authorization: `Bearer ${mine.token}` },
      body,
      signal,
      redirect: "answer",
      ...(size === undefined ? {} : { length: size }),
    }).catch((error: unknown) => {
      throw fromNetworkError(error, asked);
    });
    const { status, headers: got } = answer;
    seenSkew = skewOf(got, clock().getTime()) ?? seenSkew;
    if (status < 300 || accept?.includes(status)) return answer;
    const text = await readAnswer(answer, 2 ** 16).then(String, () => "");
    // A token may have been taken back before its time.
    if (status === 401 && mine !== null && mayRenew) {
      token.forget();
      return ask(request, false);
    }
    throw refused(status, text, { ...asked, isNobody: mine === null, retryAfter: got["retry-after"] });
  };

  return { remote, ask: (request) => ask(request), token: token.get, skewMs: () => seenSkew };
}

function refused(
  status: number,
  text: string,
  { isNobody, retryAfter, ...asked }: { remote: string; doing: string; isNobody: boolean; retryAfter: string | undefined },
): ExpverError {
  const error = parseJson(text)?.error;
  const said = typeof error === "object" && error !== null && "message" in error ? String(error.message) : text;
  const plain = fromStatus(status, asked, { text: said, retryAfter });
  if (PASSING.test(text)) return new ExpverError("E_REMOTE_ANSWER", plain.message, { details: { ...plain.details, passing: true } });
  const code: ErrorCode = isNobody && status === 403 ? "E_REMOTE_AUTH" : plain.code;
  return new ExpverError(code, plain.message, { hint: hintOf(code, isNobody) ?? plain.hint, details: plain.details });
}

function hintOf(code: ErrorCode, isNobody: boolean): string | undefined {
  if (code === "E_REMOTE_AUTH" && isNobody)
    return "Nobody may do this without credentials: set GOOGLE_APPLICATION_CREDENTIALS or credentialpath, or `gcloud auth application-default login`.";
  if (code === "E_REMOTE_AUTH") return "The token is not taken: `expver data remote check` shows whose it is.";
  if (code === "E_REMOTE_FORBIDDEN")
    return "We are known but may not do this: `expver data remote check` names what is missing; the role Storage Object User has it all.";
  if (code === "E_REMOTE_ABSENT") return "Create the bucket (gcloud storage buckets create gs://BUCKET), or correct the remote's url.";
  return undefined;
}
