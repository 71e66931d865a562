/** What requests to the clouds, and those who make them, have in common. */
import type { HttpRequest } from "../../platform/http.ts";

export interface CloudRequest {
  query?: Record<string, string>;
  /** Lower-case names. */
  headers?: Record<string, string>;
  body?: HttpRequest["body"];
  length?: number;
  signal: AbortSignal;
  /** Reads after "cannot". */
  doing: string;
}

export interface CloudClient {
  /** Name of the remote. */
  remote: string;
  /** Milliseconds the server's clock is ahead of ours, by its last answer; null when it has not said. */
  skewMs(): number | null;
}
