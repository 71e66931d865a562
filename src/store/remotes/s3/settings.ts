/** Where a bucket is and how it is to be spoken to: DVC's options, then the environment, then the profile. */
import { createHash } from "node:crypto";
import { ExpverError } from "../../../errors.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import type { Environment } from "../http-access.ts";
import { encodePath } from "../keys.ts";
import type { AwsFiles } from "./aws-files.ts";

export interface S3Settings {
  bucket: string;
  /** Before each key: empty, or ending in `/`. */
  prefix: string;
  region: string;
  /** The bucket's own address; objects lie below it. */
  base: (region: string) => URL;
  /** Headers of every request that writes an object: encryption, access. */
  writing: Record<string, string>;
  /** Headers of every request that reads one: the customer's own key. */
  reading: Record<string, string>;
  anonymous: boolean;
  /** Where objects larger than this are sent in parts, and how large those are. */
  multipartThreshold: number;
  partSize: number;
}

const MIB = 2 ** 20;
const NO_PROFILE: ReadonlyMap<string, string> = new Map();

/** Throws E_CONFIG. */
export function s3Settings({ name, url, options }: RemoteConfig, { env, files }: { env: Environment; files: AwsFiles }): S3Settings {
  const [, bucket = "", path = ""] = /^s3:\/\/([^/]+)\/*(.*?)\/*$/.exec(url) ?? [];
  if (bucket === "") throw new ExpverError("E_CONFIG", `remote ${name}: ${url} names no bucket; expected s3://BUCKET/FOLDER`);
  const profile = files.profile(options.get("profile") || env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE || "default") ?? NO_PROFILE;
  const services = files.section("services", profile.get("services") ?? "");
  const region = options.get("region") || env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.get("region") || "us-east-1";
  const endpoint =
    options.get("endpointurl") ||
    env.AWS_ENDPOINT_URL_S3 ||
    env.AWS_ENDPOINT_URL ||
    services?.get("s3.endpoint_url") ||
    profile.get("endpoint_url") ||
    undefined;
  const style = profile.get("s3.addressing_style") ?? "auto";
  const inPath = style === "path" || (style === "auto" && (endpoint !== undefined || bucket.includes(".")));
  const scheme = options.get("use_ssl")?.toLowerCase() === "false" ? "http" : "https";
  return {
    bucket,
    prefix: path === "" ? "" : `${path}/`,
    region,
    base(of) {
      const root = endpoint ?? `${scheme}://s3.${of}.amazonaws.com`;
      if (!URL.canParse(root))
        throw new ExpverError("E_CONFIG", `remote ${name}: ${root} is no URL`, { hint: "It begins with http:// or https://." });
      const base = new URL(root.replace(/\/*$/, "/"));
      if (inPath) base.pathname += `${encodePath(bucket)}/`;
      else base.hostname = `${bucket}.${base.hostname}`;
      return base;
    },
    ...encryption(name, options),
    anonymous: options.get("allow_anonymous_login")?.toLowerCase() === "true",
    multipartThreshold: sizeOf(profile.get("s3.multipart_threshold")) ?? 64 * MIB,
    partSize: Math.max(5 * MIB, sizeOf(profile.get("s3.multipart_chunksize")) ?? 8 * MIB),
  };
}

function encryption(name: string, options: RemoteConfig["options"]): Pick<S3Settings, "writing" | "reading"> {
  const text = (key: string) => options.get(key) || undefined;
  const together = (a: string, b: string) => new ExpverError("E_CONFIG", `remote ${name}: ${a} and ${b} exclude each other`);
  const key = text("sse_customer_key");
  if (key !== undefined && text("sse_kms_key_id") !== undefined) throw together("sse_customer_key", "sse_kms_key_id");
  const grants = ["grant_full_control", "grant_read", "grant_read_acp", "grant_write_acp"].filter((grant) => text(grant) !== undefined);
  if (grants[0] !== undefined && text("acl") !== undefined) throw together("acl", grants[0]);
  const writing: Record<string, string> = {};
  const put = (header: string, value: string | undefined) => {
    if (value !== undefined) writing[header] = value;
  };
  put("x-amz-server-side-encryption", text("sse"));
  put("x-amz-server-side-encryption-aws-kms-key-id", text("sse_kms_key_id"));
  put("x-amz-acl", text("acl"));
  for (const grant of grants) put(`x-amz-${grant.replaceAll("_", "-")}`, text(grant));
  return { writing, reading: key === undefined ? {} : customerKey(key, text("sse_customer_algorithm") ?? "AES256") };
}

function customerKey(key: string, algorithm: string): Record<string, string> {
  const bytes = Buffer.from(key, "base64");
  return {
    "x-amz-server-side-encryption-customer-algorithm": algorithm,
    "x-amz-server-side-encryption-customer-key": bytes.toString("base64"),
    "x-amz-server-side-encryption-customer-key-md5": createHash("md5").update(bytes).digest("base64"),
  };
}

/** `24MiB`, `8MB` or a number of bytes. */
function sizeOf(text: string | undefined): number | undefined {
  const [, number, unit = ""] = /^(\d+)\s*([kmgt]i?b)?$/i.exec(text ?? "") ?? [];
  if (number === undefined) return undefined;
  return Number(number) * 1024 ** " kmgt".indexOf((unit[0] ?? " ").toLowerCase());
}
