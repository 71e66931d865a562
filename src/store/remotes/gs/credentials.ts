/**
 * Who we are to Google Cloud Storage, found where dvc looks: `credentialpath`, GOOGLE_APPLICATION_CREDENTIALS, what
 * `gcloud auth application-default login` left, the machine's own account, else nobody.
 */
import { createSign } from "node:crypto";
import { join } from "node:path";
import { ExpverError, failedWith } from "../../../errors.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { homeFolder } from "../../../platform/home.ts";
import type { RemoteConfig } from "../../settings/dvc-config.ts";
import type { Environment } from "../http-access.ts";
import { fetchText, parseJson } from "../token-source.ts";

export interface Token {
  token: string;
  /** Milliseconds since 1970. */
  expires: number;
  /** Who that is and where it came from, for a person. */
  source: string;
}

interface Asked {
  remote: string;
  env: Environment;
  clock: () => Date;
}

const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
const METADATA_MS = 1000;
// Google takes no clock that is wrong by more than minutes.
const SKEW_MS = 60_000;

/** Null: nobody. Throws E_REMOTE_AUTH, E_REMOTE_CLOCK. */
export async function findToken(
  { name: remote, options }: RemoteConfig,
  { env, clock, isGoogle }: { env: Environment; clock: () => Date; isGoogle: boolean },
): Promise<Token | null> {
  if (options.get("allow_anonymous_login")?.toLowerCase() === "true") return null;
  const asked = { remote, env, clock };
  const own = options.get("credentialpath");
  const named = own || env.GOOGLE_APPLICATION_CREDENTIALS;
  const where = own ? "DVC's configuration (credentialpath)" : "the environment (GOOGLE_APPLICATION_CREDENTIALS)";
  if (named) return ofFile(asked, named, where);
  const folder = env.CLOUDSDK_CONFIG || join(homeFolder(env), ".config/gcloud");
  const file = join(folder, "application_default_credentials.json");
  if (readTextIfExists(file) !== null) return ofFile(asked, file, file);
  return isGoogle && env.NO_GCE_CHECK?.toLowerCase() !== "true" ? ofMachine(asked) : null;
}

async function ofFile(asked: Asked, path: string, where: string): Promise<Token> {
  const { remote } = asked;
  const text = readTextIfExists(path);
  const given = parseJson(text);
  const part = (key: string) => (typeof given?.[key] === "string" ? given[key] : "");
  const kind = part("type");
  if (kind === "service_account") {
    const {
      client_email: email,
      token_uri: url,
      private_key: key,
      private_key_id: id,
    } = {
      client_email: part("client_email"),
      token_uri: part("token_uri") || "https://oauth2.googleapis.com/token",
      private_key: part("private_key"),
      private_key_id: part("private_key_id"),
    };
    return ofServiceAccount(asked, { email, url, key, id }, `${email}, from ${where}`);
  }
  if (kind === "authorized_user") {
    const form = { client_id: part("client_id"), client_secret: part("client_secret"), refresh_token: part("refresh_token") };
    const url = part("token_uri") || "https://oauth2.googleapis.com/token";
    return exchange(asked, url, { grant_type: "refresh_token", ...form }, `a person who logged in, from ${where}`);
  }
  const what = text === null ? "is not there" : `holds ${kind === "" ? "no account" : `an account of type ${kind}`}`;
  throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: ${path} ${what}`, {
    hint: "A service account's key (JSON), or what `gcloud auth application-default login` writes, is taken.",
    details: { remote, path, source: where },
  });
}

interface ServiceAccount {
  email: string;
  /** Where a signed claim is exchanged for a token. */
  url: string;
  /** PEM. */
  key: string;
  id: string;
}

async function ofServiceAccount(asked: Asked, account: ServiceAccount, source: string): Promise<Token> {
  const grant = (skewMs: number) => {
    const assertion = claim(account, { remote: asked.remote, seconds: Math.floor((asked.clock().getTime() + skewMs) / 1000) });
    return exchange(asked, account.url, { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }, source);
  };
  try {
    return await grant(0);
  } catch (error) {
    const date = failedWith(error, "E_REMOTE_AUTH") ? Date.parse(String(error.details.date)) : Number.NaN;
    const skewMs = date - asked.clock().getTime();
    if (!(Math.abs(skewMs) > SKEW_MS)) throw error;
    return grant(skewMs);
  }
}

/** A JWT that says who we are and what we want, signed with the account's key. */
function claim({ email, url, key, id }: ServiceAccount, { remote, seconds }: { remote: string; seconds: number }): string {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = encoded({ alg: "RS256", typ: "JWT", ...(id === "" ? {} : { kid: id }) });
  const text = `${head}.${encoded({ iss: email, scope: SCOPE, aud: url, iat: seconds, exp: seconds + 3600 })}`;
  try {
    return `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
  } catch (error) {
    throw new ExpverError("E_REMOTE_AUTH", `remote ${remote}: the private_key of ${email} is no key`, {
      hint: "Make a new one: gcloud iam service-accounts keys create FILE --iam-account ACCOUNT",
      details: { remote },
      cause: error,
    });
  }
}

async function exchange(asked: Asked, url: string, form: Record<string, string>, source: string): Promise<Token> {
  const body = Buffer.from(new URLSearchParams(form).toString());
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  try {
    return ofAnswer(
      await fetchText(asked, { method: "POST", url: new URL(url), headers, body: () => [body], length: body.length }),
      source,
    );
  } catch (error) {
    // A key that was deleted, a login that has ended and a wrong clock are all answered with 400.
    if (!(error instanceof ExpverError) || ![400, 401].includes(Number(error.details.status))) throw error;
    throw new ExpverError("E_REMOTE_AUTH", error.message, {
      hint: "The key was deleted or the login has ended: `gcloud auth application-default login`, or a new key of the service account.",
      details: error.details,
      cause: error,
    });
  }
}

/** A machine of Google's cloud has an account; nothing answers elsewhere. */
async function ofMachine(asked: Asked): Promise<Token | null> {
  const host = asked.env.GCE_METADATA_HOST || "metadata.google.internal";
  const url = new URL(`http://${host}/computeMetadata/v1/instance/service-accounts/default/token`);
  try {
    return ofAnswer(
      await fetchText(asked, { method: "GET", url, headers: { "metadata-flavor": "Google" } }, METADATA_MS),
      "the machine's account",
    );
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

/** Throws E_REMOTE_AUTH when there is no token in it. */
function ofAnswer(text: string, source: string): Token {
  const answer = parseJson(text);
  const seconds = Number(answer?.expires_in);
  if (typeof answer?.access_token !== "string" || !(seconds > 0))
    throw new ExpverError("E_REMOTE_AUTH", "a service for credentials answered without a token");
  return { token: answer.access_token, expires: Date.now() + seconds * 1000, source };
}
