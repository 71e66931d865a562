/** One signed request to a bucket at a time: credentials kept and renewed, the region corrected, errors named. */
import { type ErrorCode, ExpverError } from "../../../errors.ts";
import { type HttpAnswer, type HttpClient, readAnswer } from "../../../platform/http.ts";
import type { CloudClient, CloudRequest } from "../cloud-client.ts";
import { skewOf } from "../http-access.ts";
import { encodePath } from "../keys.ts";
import { fromNetworkError, fromStatus } from "../problems.ts";
import { keeping } from "../token-source.ts";
import { textIn } from "../xml.ts";
import type { Credentials } from "./credentials.ts";
import type { S3Settings } from "./settings.ts";
import { EMPTY, signed, UNSIGNED } from "./sign.ts";

interface S3Request extends CloudRequest {
  method: "GET" | "PUT" | "POST" | "DELETE" | "HEAD";
  /** Relative to the bucket, as it is named there; empty: the bucket itself. */
  key: string;
  /** Statuses from 400 on that are an answer. */
  accept?: readonly number[];
}

export interface S3Client extends CloudClient {
  ask(request: S3Request): Promise<HttpAnswer>;
  /** Null: anonymous. */
  credentials(): Promise<Credentials | null>;
}

export interface S3ClientOptions {
  /** Name of the remote. */
  remote: string;
  settings: S3Settings;
  http: HttpClient;
  find: () => Promise<Credentials>;
  clock: () => Date;
}

const MEANINGS: Record<string, ErrorCode> = {
  AccessDenied: "E_REMOTE_FORBIDDEN",
  AllAccessDisabled: "E_REMOTE_FORBIDDEN",
  ExpiredToken: "E_REMOTE_AUTH",
  InvalidAccessKeyId: "E_REMOTE_AUTH",
  InvalidClientTokenId: "E_REMOTE_AUTH",
  InvalidToken: "E_REMOTE_AUTH",
  NoSuchBucket: "E_REMOTE_ABSENT",
  NoSuchUpload: "E_REMOTE_ANSWER",
  QuotaExceeded: "E_REMOTE_FULL",
  RequestTimeTooSkewed: "E_REMOTE_CLOCK",
  SignatureDoesNotMatch: "E_REMOTE_AUTH",
  TokenRefreshRequired: "E_REMOTE_AUTH",
  XMinioStorageFull: "E_REMOTE_FULL",
};

/** Answered with 400, yet gone a moment later. */
const PASSING = new Set(["BadDigest", "IncompleteBody", "InternalError", "OperationAborted", "RequestTimeout", "SlowDown"]);

export function s3Client({ remote, settings, http, find, clock }: S3ClientOptions): S3Client {
  let region = settings.region;
  let skew = 0;
  let seenSkew: number | null = null;
  const found = keeping(find, ({ expires }) => expires, clock);
  const credentials = async (): Promise<Credentials | null> => (settings.anonymous ? null : found.get());

  const send = async ({ method, key, query = {}, headers = {}, body, length, signal }: S3Request): Promise<HttpAnswer> => {
    const url = settings.base(region);
    url.pathname += encodePath(key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    url.search = url.search.replaceAll("+", "%20");
    const keys = await credentials();
    const date = new Date(clock().getTime() + skew);
    const payload = body === undefined ? EMPTY : UNSIGNED;
    const all = keys === null ? headers : signed({ method, url, headers, payload, keys, region, service: "s3", date });
    const size = length ?? (method === "PUT" || method === "POST" ? 0 : undefined);
    return http({ method, url, headers: all, body, signal, redirect: "answer", ...(size === undefined ? {} : { length: size }) });
  };

  const ask = async (request: S3Request, mayCorrect = true): Promise<HttpAnswer> => {
    const asked = { remote, doing: request.doing };
    const answer = await send(request).catch((error: unknown) => {
      throw fromNetworkError(error, asked);
    });
    const { status, headers } = answer;
    seenSkew = skewOf(headers, clock().getTime()) ?? seenSkew;
    if (status < 300 || request.accept?.includes(status)) return answer;
    const text = request.method === "HEAD" ? "" : await readAnswer(answer, 2 ** 16).then(String, () => "");
    const code = textIn(text, "Code") ?? "";
    if (mayCorrect && correct({ status, code, text, headers })) return ask(request, false);
    const meaning = MEANINGS[code];
    const said = code === "" ? text : `${code}: ${textIn(text, "Message") ?? ""}`;
    const plain = fromStatus(status, asked, { text: said, retryAfter: headers["retry-after"] });
    const details = { ...plain.details, ...(code === "" ? {} : { s3: code }), ...(PASSING.has(code) ? { passing: true } : {}) };
    if (PASSING.has(code)) throw new ExpverError("E_REMOTE_ANSWER", plain.message, { details });
    throw new ExpverError(meaning ?? plain.code, plain.message, {
      hint: HINTS[code] ?? (meaning === undefined ? plain.hint : undefined),
      details,
    });
  };

  /** What a server's refusal teaches: another region, another time, newer keys. True: worth asking again. */
  const correct = ({
    status,
    code,
    text,
    headers,
  }: {
    status: number;
    code: string;
    text: string;
    headers: HttpAnswer["headers"];
  }): boolean => {
    const named = [headers["x-amz-bucket-region"]].flat()[0] ?? textIn(text, "Region");
    // It becomes a part of a host's name.
    if (named !== undefined && /^[a-z0-9-]+$/.test(named) && named !== region && (status === 301 || status === 307 || status === 400)) {
      region = named;
      return true;
    }
    if (code === "RequestTimeTooSkewed" && skew === 0 && seenSkew !== null) {
      skew = seenSkew;
      return true;
    }
    if (code === "ExpiredToken" && !settings.anonymous) {
      found.forget();
      return true;
    }
    return false;
  };

  return { remote, ask: (request) => ask(request), credentials, skewMs: () => seenSkew };
}

const HINTS: Record<string, string> = {
  AccessDenied: "The keys are right but may not do this: `expver data remote check` names the permission that is missing.",
  ExpiredToken: "The session has ended: log in again (aws sso login), or renew session_token.",
  InvalidAccessKeyId: "The server does not know this access key: `expver data remote check` shows where it comes from.",
  NoSuchBucket: "Create the bucket, or correct the remote's url or endpointurl.",
  SignatureDoesNotMatch: "The secret key does not belong to the access key: `expver data remote check` shows where they come from.",
};
