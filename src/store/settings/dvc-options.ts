/** Which options DVC knows, so that a misspelt one is refused before DVC refuses the whole file. */
import { nearestWord } from "../../config/nearest.ts";
import { ExpverError } from "../../errors.ts";
import { isUrl, remoteName } from "./dvc-config.ts";
import type { ConfigValue, Sections } from "./dvc-config-file.ts";

const words = (text: string) => text.split(" ");

const OF_LOCAL = words("type protected shared slow_link_warning verify");
const OF_EVERY_REMOTE = words("url checksum_jobs jobs worktree no_traverse version_aware");
const OF_HTTP = words("auth custom_auth_header user password ask_password ssl_verify method connect_timeout read_timeout verify");
const OF_WEBDAV = words(
  "user password ask_password token bearer_token_command custom_auth_header cert_path key_path timeout ssl_verify verify",
);

const OF_REMOTE: Record<string, string[]> = {
  "": OF_LOCAL,
  s3: words(
    "region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token listobjects use_ssl allow_anonymous_login ssl_verify sse sse_kms_key_id sse_customer_algorithm sse_customer_key acl grant_read grant_read_acp grant_write_acp grant_full_control cache_regions read_timeout connect_timeout verify",
  ),
  gs: words("projectname credentialpath endpointurl verify allow_anonymous_login"),
  ssh: words("type port user password ask_password passphrase ask_passphrase keyfile timeout gss_auth allow_agent max_sessions verify"),
  hdfs: words("user kerb_ticket replication"),
  webhdfs: words("kerberos kerberos_principal proxy_to ssl_verify token use_https user password data_proxy_target verify"),
  azure: words(
    "connection_string sas_token account_name account_key tenant_id client_id client_secret allow_anonymous_login exclude_environment_credential exclude_visual_studio_code_credential exclude_shared_token_cache_credential exclude_managed_identity_credential verify timeout read_timeout connection_timeout",
  ),
  oss: words("oss_key_id oss_key_secret oss_endpoint verify"),
  gdrive: words(
    "profile gdrive_use_service_account gdrive_client_id gdrive_client_secret gdrive_user_credentials_file gdrive_service_account_user_email gdrive_service_account_json_file_path gdrive_trash_only gdrive_acknowledge_abuse verify",
  ),
  http: OF_HTTP,
  https: OF_HTTP,
  webdav: OF_WEBDAV,
  webdavs: OF_WEBDAV,
};

const OF_SECTION: Record<string, string[]> = {
  core: words("remote checksum_jobs interactive analytics hardlink_lock no_scm autostage experiments check_update site_cache_dir machine"),
  cache: [...words("local s3 gs hdfs webhdfs ssh azure dir"), ...OF_LOCAL],
  state: words("dir row_limit row_cleanup_quota"),
  index: ["dir"],
  plots: words("html_template auto_open out_dir"),
  exp: words("code data models metrics params plots live auto_push git_remote"),
  parsing: words("bool list"),
  hydra: words("enabled config_dir config_module config_name plugins_path"),
  studio: words("token url repo_url offline"),
};

const BOOLEANS = new Set(
  words(
    "core.interactive core.analytics core.hardlink_lock core.no_scm core.autostage core.experiments core.check_update cache.protected cache.slow_link_warning cache.verify plots.auto_open exp.auto_push hydra.enabled studio.offline remote.worktree remote.protected remote.slow_link_warning remote.no_traverse remote.version_aware remote.verify remote.use_ssl remote.allow_anonymous_login remote.ask_password remote.ask_passphrase remote.gss_auth remote.allow_agent remote.kerberos remote.use_https remote.exclude_environment_credential remote.exclude_visual_studio_code_credential remote.exclude_shared_token_cache_credential remote.exclude_managed_identity_credential remote.gdrive_use_service_account remote.gdrive_trash_only remote.gdrive_acknowledge_abuse",
  ),
);

const CHOICES: Record<string, string[]> = {
  "parsing.bool": ["store_true", "boolean_optional"],
  "parsing.list": ["nargs", "append"],
  "remote.auth": ["basic", "digest", "custom"],
};

const NUMBERS = new Set(
  words("remote.connect_timeout remote.read_timeout remote.timeout remote.connection_timeout remote.port remote.max_sessions"),
);

/** Throws E_CONFIG for a section, option, value or kind of remote DVC would not accept. Levels are judged merged, as DVC does. */
export function checkDvcConfig(merged: Sections): void {
  for (const [section, options] of merged) {
    const remote = remoteName(section);
    if (remote === null && (/^\s*(machine|db)\s*"/.test(section) || section === "feature")) continue;
    const known = remote === null ? OF_SECTION[section] : knownOfRemote(remote, options);
    if (known === undefined) throw unknown(`section ${section}`, nearestWord(section, Object.keys(OF_SECTION)));
    for (const [key, value] of options) {
      const name = remote === null ? `${section}.${key}` : `remote.${remote}.${key}`;
      if (known !== "any" && !known.includes(key)) throw unknown(`option ${name}`, nearestWord(key, known));
      checkValue(name, remote === null ? name : `remote.${key}`, value);
    }
  }
}

/** Throws E_CONFIG for a value of a remote's option DVC would not accept: files are edited by hand too. */
export function checkRemoteValues(name: string, options: ReadonlyMap<string, string>): void {
  for (const [key, value] of options) checkValue(`remote.${name}.${key}`, `remote.${key}`, value);
}

/** The remote has files under their own names and every version of them; a worktree is that too. Throws E_CONFIG where it cannot be. */
export function isVersionAware(options: ReadonlyMap<string, string>): boolean {
  const says = (key: string, value: string) => options.get(key)?.toLowerCase() === value;
  if (!says("worktree", "true")) return says("version_aware", "true");
  if (says("version_aware", "false")) throw new ExpverError("E_CONFIG", "worktree = true needs version_aware, which is false");
  return true;
}

function knownOfRemote(name: string, options: ReadonlyMap<string, ConfigValue>): string[] | "any" {
  const url = options.get("url");
  if (typeof url !== "string" || url === "") throw new ExpverError("E_CONFIG", `remote ${name} has no url`, { details: { remote: name } });
  const scheme = isUrl(url) ? (/^\w+/.exec(url)?.[0] ?? "") : "";
  if (scheme === "remote") return "any";
  const own = OF_REMOTE[scheme];
  if (own === undefined) {
    throw new ExpverError("E_CONFIG", `remote ${name}: ${scheme}:// is no kind of remote`, {
      hint: `There are: a folder, ${Object.keys(OF_REMOTE).filter(Boolean).join("://, ")}://.`,
      details: { remote: name, url },
    });
  }
  return [...OF_EVERY_REMOTE, ...own];
}

function checkValue(name: string, kind: string, value: ConfigValue): void {
  const text = Array.isArray(value) ? value.join(",") : value;
  if (BOOLEANS.has(kind) && !/^(true|false)$/i.test(text)) throw bad(name, text, "true or false");
  if (/(^|\.)(checksum_)?jobs$/.test(kind) && !/^[1-9][0-9]*$/.test(text)) throw bad(name, text, "a number from 1");
  if (NUMBERS.has(kind) && !/^[0-9]+(\.[0-9]+)?$/.test(text)) throw bad(name, text, "a number from 0");
  if (/^(cache|remote)\.type$/.test(kind)) {
    const types = text.split(",").map((type) => type.trim());
    if (!types.every((type) => ["reflink", "hardlink", "symlink", "copy"].includes(type)))
      throw bad(name, text, "reflink, hardlink, symlink, copy, or several with commas");
  }
  const choice = CHOICES[kind];
  if (choice !== undefined && !choice.includes(text.toLowerCase())) throw bad(name, text, choice.join(" or "));
  if (/^(cache|remote)\.shared$/.test(kind) && text.toLowerCase() !== "group") throw bad(name, text, "group");
}

function unknown(what: string, meant: string | undefined): ExpverError {
  return new ExpverError("E_CONFIG", `dvc knows no ${what}`, meant === undefined ? {} : { hint: `Did you mean ${meant}?` });
}

function bad(name: string, value: string, expected: string): ExpverError {
  return new ExpverError("E_CONFIG", `${name} is ${JSON.stringify(value)}; expected ${expected}`, { details: { name, value } });
}
