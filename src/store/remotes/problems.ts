/** Failures of a network and answers of servers as our errors, each with its own advice. */
import { type ErrorCode, ExpverError } from "../../errors.ts";

export interface Asked {
  /** Name of the remote. */
  remote: string;
  /** Reads after "cannot": `read files/md5/ab/cd`. */
  doing: string;
}

/** What Node throws when a connection fails; everything else passes through. */
export function fromNetworkError(error: unknown, { remote, doing }: Asked): unknown {
  if (!(error instanceof Error) || error instanceof ExpverError) return error;
  const errno = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error.name === "AbortError" || errno === "ABORT_ERR") return new ExpverError("E_INTERRUPTED", `interrupted while asking ${remote}`);
  const code = networkCode(errno);
  if (code === null) return error;
  const hint = errno === "ENOTFOUND" ? "The host's name is unknown: check the remote's url, the network and its proxy." : undefined;
  return new ExpverError(code, `remote ${remote}: cannot ${doing}: ${messageOf(error)}`, {
    hint,
    details: { remote, errno },
    cause: error,
  });
}

/** What an HTTP status means. `text` is what the server said. */
export function fromStatus(
  status: number,
  { remote, doing }: Asked,
  { text = "", retryAfter }: { text?: string; retryAfter?: string | undefined } = {},
): ExpverError {
  const said = text
    .replace(/(?:<[^>]*>|\s)+/g, " ")
    .trim()
    .slice(0, 200);
  const code = statusCode(status);
  const tooLarge =
    status === 413 ? "The server does not take requests of this size: raise its limit (nginx: client_max_body_size)." : undefined;
  const seconds = Number(retryAfter);
  return new ExpverError(code, `remote ${remote}: cannot ${doing}: the server answered ${status}${said === "" ? "" : `: ${said}`}`, {
    hint: tooLarge,
    details: { remote, status, ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}) },
  });
}

/** Of an object its server always says how large it is: this is another one, which says yes to everything. */
export function notOfItsKind({ remote, doing }: Asked, kind: string): ExpverError {
  return new ExpverError(
    "E_REMOTE_ANSWER",
    `remote ${remote}: cannot ${doing}: what answers is no ${kind}: it says yes, and not how large the object is`,
    {
      hint: "Check the remote's url and endpoint: a web page for people may be there, or one to log in on the way.",
      details: { remote },
    },
  );
}

function statusCode(status: number): ErrorCode {
  if (status === 401 || status === 407) return "E_REMOTE_AUTH";
  if (status === 403) return "E_REMOTE_FORBIDDEN";
  if (status === 404 || status === 410) return "E_REMOTE_ABSENT";
  if (status === 507) return "E_REMOTE_FULL";
  return "E_REMOTE_ANSWER";
}

function networkCode(errno: string): ErrorCode | null {
  if (errno === "EANSWER") return "E_REMOTE_ANSWER";
  if (errno === "EPROXYAUTH") return "E_REMOTE_AUTH";
  if (errno === "ETIMEDOUT" || errno === "ESOCKETTIMEDOUT") return "E_REMOTE_TIMEOUT";
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA)/.test(errno)) return "E_REMOTE_CERTIFICATE";
  if (/^(ECONN|ENOTFOUND|EAI_|EPIPE|EPROXY|EHOST|ENET|EPROTO|ERR_SSL_|ERR_TLS_|HPE_|ERR_STREAM_PREMATURE_CLOSE)/.test(errno))
    return "E_REMOTE_UNREACHABLE";
  return null;
}

/** An AggregateError (one per address that was tried) has no text of its own. */
function messageOf(error: Error): string {
  if (error.message !== "" || !("errors" in error) || !Array.isArray(error.errors)) return error.message || error.name;
  return [...new Set(error.errors.map((one) => (one instanceof Error ? one.message : String(one))))].join("; ");
}
