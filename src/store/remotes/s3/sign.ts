/** AWS Signature Version 4: a request's headers with the proof that we know the secret key. */
import { createHash, createHmac } from "node:crypto";
import { encodeStrictly } from "../keys.ts";

export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface SignRequest {
  method: string;
  url: URL;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex; S3 takes UNSIGNED-PAYLOAD too. */
  payload: string;
  keys: Keys;
  region: string;
  service: string;
  date: Date;
}

export const UNSIGNED = "UNSIGNED-PAYLOAD";
export const EMPTY = sha256("");

/** The headers given and those that sign them. */
export function signed({ method, url, headers, payload, keys, region, service, date }: SignRequest): Record<string, string> {
  const time = date.toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const all: Record<string, string> = {
    ...headers,
    "x-amz-date": time,
    "x-amz-content-sha256": payload,
    ...(keys.sessionToken === undefined ? {} : { "x-amz-security-token": keys.sessionToken }),
  };
  const part: Record<string, string> = { host: url.host };
  for (const [name, value] of Object.entries(all)) if (name.startsWith("x-amz-") || name === "content-md5") part[name] = value;
  const names = Object.keys(part).sort();
  const canonical = [
    method,
    url.pathname,
    canonicalQuery(url),
    ...names.map((name) => `${name}:${part[name]?.trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    payload,
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [region, service, "aws4_request"].reduce<Buffer>(hmac, hmac(`AWS4${keys.secretAccessKey}`, day));
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`).toString("hex");
  return {
    ...all,
    authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .sort()
    .join("&");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
