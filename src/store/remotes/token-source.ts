/** Asking those who give credentials: token services, metadata of a machine. */
import { ExpverError } from "../../errors.ts";
import { type HttpRequest, httpClient, readAnswer } from "../../platform/http.ts";
import type { Environment } from "./http-access.ts";
import { once } from "./once.ts";
import { fromNetworkError, fromStatus } from "./problems.ts";

/** What somebody who gives credentials answers. */
export async function fetchText(
  { env, remote }: { env: Environment; remote: string },
  request: HttpRequest,
  patienceMs = 10_000,
): Promise<string> {
  const asked = { remote, doing: `get credentials from ${request.url.host}` };
  const client = httpClient({ verify: true, connectTimeoutMs: patienceMs, readTimeoutMs: patienceMs, env });
  try {
    // Whoever it redirects to is not who should see the secrets in the request.
    const answer = await client({ ...request, redirect: "answer" });
    const text = (await readAnswer(answer)).toString("utf8");
    if (answer.status >= 300) {
      const { code, message, hint, details } = fromStatus(answer.status, asked, { text });
      // A clock that is wrong shows itself beside the server's.
      throw new ExpverError(code, message, { hint, details: { ...details, date: answer.headers.date } });
    }
    return text;
  } catch (error) {
    throw fromNetworkError(error, asked);
  }
}

// What ends within this time is asked for again.
const RENEW_MS = 5 * 60_000;

export interface Credential<T> {
  get(): Promise<T>;
  /** It is asked for again. */
  forget(): void;
}

/** What says who we are: kept until it ends, in milliseconds since 1970 where it does. That nobody could say it is not kept. */
export function keeping<T>(find: () => Promise<T>, endOf: (found: T) => number | undefined, clock: () => Date): Credential<T> {
  let finding = once(find);
  const forget = () => {
    finding = once(find);
  };
  return {
    async get() {
      const asked = finding;
      const found = await asked();
      const end = endOf(found);
      if (end === undefined || end - clock().getTime() > RENEW_MS) return found;
      if (asked === finding) forget();
      return finding();
    },
    forget,
  };
}

/** Null: no object of JSON. */
export function parseJson(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
