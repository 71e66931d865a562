/**
 * Who we are to S3, found where every AWS tool looks and in their order: DVC's options, the environment, a profile (keys, a role, SSO, a
 * program), a container's or a machine's own role.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ExpverError } from "../../../errors.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { homeFolder } from "../../../platform/home.ts";
import { runProcess } from "../../../platform/processes.ts";
import type { Environment } from "../http-access.ts";
import { fetchText, parseJson } from "../token-source.ts";
import { textIn } from "../xml.ts";
import type { AwsFiles, Profile } from "./aws-files.ts";
import { type Keys, sha256, signed } from "./sign.ts";

export interface Credentials extends Keys {
  /** Where they came from, for a person. */
  source: string;
  /** Milliseconds since 1970; undefined: they do not end. */
  expires?: number | undefined;
}

export interface CredentialOptions {
  /** Name of the remote. */
  remote: string;
  options: ReadonlyMap<string, string>;
  env: Environment;
  files: AwsFiles;
  region: string;
}

/** Throws E_REMOTE_AUTH, saying where was looked. */
export async function findCredentials(asked: CredentialOptions): Promise<Credentials> {
  const { options, env, files, remote } = asked;
  const name = options.get("profile") || env.AWS_PROFILE || env.AWS_DEFAULT_PROFILE || "default";
  const own = keysOf({ id: options.get("access_key_id"), secret: options.get("secret_access_key"), token: options.get("session_token") });
  if (own !== null) return { ...own, source: "DVC's configuration (access_key_id)" };
  // A profile that DVC's configuration names stands above the environment; AWS_PROFILE does not.
  const isNamed = Boolean(options.get("profile"));
  const fromEnv = keysOf({ id: env.AWS_ACCESS_KEY_ID, secret: env.AWS_SECRET_ACCESS_KEY, token: env.AWS_SESSION_TOKEN });
  if (!isNamed && fromEnv !== null) return { ...fromEnv, source: "the environment (AWS_ACCESS_KEY_ID)" };
  const profile = files.profile(name);
  if (profile === null && name !== "default") {
    throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: there is no AWS profile ${name}`, {
      hint: `Looked in ${files.configPath} and ${files.credentialsPath}.`,
      details: { remote, profile: name },
    });
  }
  const found =
    (profile === null ? null : await ofProfile(asked, { name, profile })) ??
    (isNamed
      ? null
      : await ofWebIdentity(asked, {
          role: env.AWS_ROLE_ARN,
          file: env.AWS_WEB_IDENTITY_TOKEN_FILE,
          session: env.AWS_ROLE_SESSION_NAME,
        })) ??
    (await ofContainer(asked)) ??
    (await ofMachine(asked));
  if (found !== null) return found;
  throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: no AWS credentials found`, {
    hint: `Log in with \`aws configure\` or \`aws sso login\`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or: expver data remote modify --local ${remote} access_key_id …`,
    details: {
      remote,
      looked: [
        "DVC's configuration",
        "environment",
        `profile ${name} in ${files.configPath} and ${files.credentialsPath}`,
        "container",
        "machine",
      ],
    },
  });
}

interface NamedProfile {
  name: string;
  profile: Profile;
  /** Profiles that led here. */
  seen?: readonly string[];
}

async function ofProfile(asked: CredentialOptions, { name, profile, seen = [] }: NamedProfile): Promise<Credentials | null> {
  const text = (key: string) => profile.get(key) || undefined;
  const role = text("role_arn");
  const tokenFile = text("web_identity_token_file");
  if (role !== undefined && tokenFile !== undefined)
    return ofWebIdentity(asked, { role, file: tokenFile, session: text("role_session_name") });
  if (role !== undefined && !seen.includes(name)) {
    const source = await ofSource(asked, { name, profile, seen });
    return source === null ? null : assumeRole(asked, { role, profile, source, name });
  }
  const keys = keysOf({ id: text("aws_access_key_id"), secret: text("aws_secret_access_key"), token: text("aws_session_token") });
  if (keys !== null) return { ...keys, source: `profile ${name} (${asked.files.credentialsPath})` };
  if (text("sso_account_id") !== undefined) return ofSso(asked, { name, profile });
  const program = text("credential_process");
  return program === undefined ? null : ofProgram(asked, { program, name });
}

async function ofSource(asked: CredentialOptions, { name, profile, seen = [] }: NamedProfile): Promise<Credentials | null> {
  const sourceName = profile.get("source_profile");
  if (sourceName === undefined) {
    const kind = profile.get("credential_source");
    if (kind === "Ec2InstanceMetadata") return ofMachine(asked);
    if (kind === "EcsContainer") return ofContainer(asked);
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = asked.env;
    const keys = kind === "Environment" ? keysOf({ id, secret, token }) : null;
    return keys === null ? null : { ...keys, source: "the environment" };
  }
  const source = asked.files.profile(sourceName);
  return source === null ? null : ofProfile(asked, { name: sourceName, profile: source, seen: [...seen, name] });
}

async function assumeRole(
  asked: CredentialOptions,
  { role, profile, source, name }: { role: string; profile: Profile; source: Credentials; name: string },
): Promise<Credentials> {
  if (profile.has("mfa_serial")) {
    throw new ExpverError("E_REMOTE_AUTH", `profile ${name} wants a code of a device (mfa_serial)`, {
      hint: "Get a session first, with `aws sts get-session-token`, and use its keys and token.",
    });
  }
  const external = profile.get("external_id");
  const form = new URLSearchParams({
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: role,
    RoleSessionName: profile.get("role_session_name") ?? "expver",
    DurationSeconds: profile.get("duration_seconds") ?? "3600",
    ...(external === undefined ? {} : { ExternalId: external }),
  });
  return ofSts(asked, form, { source: `role ${role} (profile ${name})`, keys: source });
}

async function ofWebIdentity(
  asked: CredentialOptions,
  { role, file, session }: { role: string | undefined; file: string | undefined; session: string | undefined },
): Promise<Credentials | null> {
  const token = role === undefined || file === undefined ? null : readTextIfExists(file);
  if (role === undefined || token === null) return null;
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role,
    RoleSessionName: session ?? "expver",
    WebIdentityToken: token.trim(),
  });
  return ofSts(asked, form, { source: `role ${role} (web identity token ${file})` });
}

async function ofSts(
  asked: CredentialOptions,
  form: URLSearchParams,
  { source, keys }: { source: string; keys?: Keys },
): Promise<Credentials> {
  const { env, region } = asked;
  const url = new URL(env.AWS_ENDPOINT_URL_STS ?? env.AWS_ENDPOINT_URL ?? `https://sts.${region}.amazonaws.com`);
  if (url.pathname === "") url.pathname = "/";
  const body = form.toString();
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const request = { method: "POST", url, headers, payload: sha256(body), region, service: "sts", date: new Date() };
  const answer = await fetchText(asked, {
    ...request,
    headers: keys === undefined ? headers : signed({ ...request, keys }),
    body: () => [Buffer.from(body)],
    length: Buffer.byteLength(body),
  });
  return {
    accessKeyId: textIn(answer, "AccessKeyId") ?? "",
    secretAccessKey: textIn(answer, "SecretAccessKey") ?? "",
    sessionToken: textIn(answer, "SessionToken"),
    expires: Date.parse(textIn(answer, "Expiration") ?? "") || undefined,
    source,
  };
}

/** What `aws sso login` left: a token that buys keys for an hour. */
async function ofSso(asked: CredentialOptions, { name, profile }: NamedProfile): Promise<Credentials> {
  const { env, files, remote } = asked;
  const session = profile.get("sso_session");
  const of = new Map([...(session === undefined ? [] : (files.section("sso-session", session) ?? [])), ...profile]);
  const folder = join(homeFolder(env), ".aws/sso/cache");
  const file = join(
    folder,
    `${createHash("sha1")
      .update(session ?? of.get("sso_start_url") ?? "")
      .digest("hex")}.json`,
  );
  const token = parseJson(readTextIfExists(file));
  const expires = Date.parse(String(token?.expiresAt ?? ""));
  if (typeof token?.accessToken !== "string" || !(expires > Date.now())) {
    throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: the SSO session of profile ${name} has ended or was never begun`, {
      hint: `Log in: aws sso login --profile ${name}`,
      details: { remote, profile: name, file },
    });
  }
  const region = of.get("sso_region") ?? "us-east-1";
  const url = new URL("/federation/credentials", env.AWS_ENDPOINT_URL_SSO ?? `https://portal.sso.${region}.amazonaws.com`);
  url.searchParams.set("role_name", of.get("sso_role_name") ?? "");
  url.searchParams.set("account_id", of.get("sso_account_id") ?? "");
  const headers = { "x-amz-sso_bearer_token": token.accessToken };
  const answer = parseJson(await fetchText(asked, { method: "GET", url, headers }));
  const got = answer?.roleCredentials as Record<string, unknown> | undefined;
  return {
    accessKeyId: String(got?.accessKeyId ?? ""),
    secretAccessKey: String(got?.secretAccessKey ?? ""),
    sessionToken: String(got?.sessionToken ?? ""),
    expires: Number(got?.expiration) || undefined,
    source: `SSO of profile ${name}`,
  };
}

function ofProgram({ env, remote }: CredentialOptions, { program, name }: { program: string; name: string }): Credentials {
  const { code, stdout, stderr } = runProcess("/bin/sh", ["-c", program], { cwd: "/", env, timeoutMs: 60_000 });
  const answer = code === 0 ? parseJson(stdout.toString("utf8")) : null;
  if (typeof answer?.AccessKeyId !== "string") {
    throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: credential_process of profile ${name} ended with ${code}: ${stderr.trim()}`, {
      hint: `Run it by hand: ${program}`,
      details: { remote, profile: name },
    });
  }
  return ofJson(answer, `credential_process of profile ${name}`);
}

/** ECS, EKS pod identity and their like: an address in the environment. */
async function ofContainer(asked: CredentialOptions): Promise<Credentials | null> {
  const { env } = asked;
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const address = relative ? `http://169.254.170.2${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!address) return null;
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = (file ? readTextIfExists(file)?.trim() : undefined) ?? env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const headers = token ? { authorization: token } : {};
  return ofJson(parseJson(await fetchText(asked, { method: "GET", url: new URL(address), headers })) ?? {}, "the container's role");
}

const METADATA_MS = 1000;

/** A machine of EC2 has a role; nothing answers elsewhere. */
async function ofMachine(asked: CredentialOptions): Promise<Credentials | null> {
  const { env } = asked;
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === "true") return null;
  const base = env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? "http://169.254.169.254";
  const ask = (method: string, path: string, headers: Record<string, string>) =>
    fetchText(asked, { method, url: new URL(path, base), headers }, METADATA_MS);
  try {
    const token = await ask("PUT", "/latest/api/token", { "x-aws-ec2-metadata-token-ttl-seconds": "21600" });
    const headers = { "x-aws-ec2-metadata-token": token };
    const roles = "/latest/meta-data/iam/security-credentials/";
    const [role = ""] = (await ask("GET", roles, headers)).split("\n");
    return ofJson(parseJson(await ask("GET", roles + role, headers)) ?? {}, `the machine's role ${role}`);
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

function ofJson(answer: Record<string, unknown>, source: string): Credentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Token, Expiration } = answer;
  const token = SessionToken ?? Token;
  return {
    accessKeyId: String(AccessKeyId ?? ""),
    secretAccessKey: String(SecretAccessKey ?? ""),
    sessionToken: typeof token === "string" ? token : undefined,
    expires: Date.parse(String(Expiration ?? "")) || undefined,
    source,
  };
}

function keysOf({ id, secret, token }: { id: string | undefined; secret: string | undefined; token: string | undefined }): Keys | null {
  return id && secret ? { accessKeyId: id, secretAccessKey: secret, sessionToken: token || undefined } : null;
}
