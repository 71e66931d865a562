/** Azure's Shared Key: a request's headers with the proof that we know the account's key. */
import { createHmac } from "node:crypto";

export interface SharedKey {
  account: string;
  /** Base64. */
  key: string;
}

interface SignRequest {
  method: string;
  url: URL;
  /** Lower-case names; the time of day among them, as `x-ms-date`. */
  headers: Readonly<Record<string, string>>;
  length: number | undefined;
}

const SIGNED = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

/** The value of `authorization`. */
export function sharedKey({ account, key }: SharedKey, { method, url, headers, length }: SignRequest): string {
  const all: Record<string, string> = { ...headers, "content-length": length ? String(length) : "" };
  const own = Object.keys(all)
    .filter((name) => name.startsWith("x-ms-"))
    .sort()
    .map((name) => `${name}:${all[name]?.trim()}`);
  const query = [...url.searchParams].map(([name, value]) => `${name.toLowerCase()}:${value}`).sort();
  const text = [method, ...SIGNED.map((name) => all[name] ?? ""), ...own, `/${account}${url.pathname}`, ...query].join("\n");
  return `SharedKey ${account}:${createHmac("sha256", Buffer.from(key, "base64")).update(text).digest("base64")}`;
}
