/** The files `aws` and its libraries share: `~/.aws/config` and `~/.aws/credentials`. */
import { join } from "node:path";
import { readTextIfExists } from "../../../platform/files.ts";
import { homeFolder } from "../../../platform/home.ts";
import type { Environment } from "../http-access.ts";
import { parseIni } from "../ini.ts";

export type Profile = ReadonlyMap<string, string>;

export interface AwsFiles {
  /** Of both files; what the credentials file says wins. Keys of a nested block are `s3.addressing_style`. Null: there is none of this name. */
  profile(name: string): Profile | null;
  /** `[sso-session NAME]`, `[services NAME]`. */
  section(kind: "sso-session" | "services", name: string): Profile | null;
  /** For messages. */
  configPath: string;
  credentialsPath: string;
}

export function readAwsFiles(options: ReadonlyMap<string, string>, env: Environment): AwsFiles {
  const home = homeFolder(env);
  const at = (path: string) => (path.startsWith("~/") ? join(home, path.slice(2)) : path);
  // As dvc: the environment's word stands above the configuration's.
  const configPath = at(env.AWS_CONFIG_FILE || options.get("configpath") || join(home, ".aws/config"));
  const credentialsPath = at(env.AWS_SHARED_CREDENTIALS_FILE || options.get("credentialpath") || join(home, ".aws/credentials"));
  const config = parseIni(readTextIfExists(configPath) ?? "");
  const credentials = parseIni(readTextIfExists(credentialsPath) ?? "");
  return {
    configPath,
    credentialsPath,
    profile(name) {
      const found = [
        config.get(name === "default" && !config.has("profile default") ? "default" : `profile ${name}`),
        credentials.get(name),
      ];
      return found.every((one) => one === undefined) ? null : new Map(found.flatMap((one) => [...(one ?? [])]));
    },
    section: (kind, name) => config.get(`${kind} ${name}`) ?? null,
  };
}
