/** From a name in DVC's configuration to a remote that can be used. */

import { fromTop } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { ObjectFolder } from "../objects/layout.ts";
import { readPointers } from "../pointers/pointers.ts";
import { isUrl, type RemoteConfig, readDvcConfig } from "../settings/dvc-config.ts";
import { checkRemoteValues, isVersionAware } from "../settings/dvc-options.ts";
import { folderRemote } from "./folder.ts";
import type { Environment } from "./http-access.ts";
import { defaultJobs } from "./many.ts";
import type { Remote } from "./remote.ts";
import { servedRemote } from "./served.ts";
import type { ObjectServer } from "./server.ts";
import { notAnObjectStore, placesIn, type Tracked, versionedRemote } from "./versioned.ts";

/** By project and configuration: who opens a remote again goes on with its connections. */
const opened = new WeakMap<Project, Map<string, Remote>>();

/** The remote of this name, or the default one. Throws E_REMOTE, E_CONFIG. */
export function openRemote(project: Project, name?: string): Remote {
  const config = findRemote(project, name);
  const key = JSON.stringify([config.name, config.url, [...config.options]]);
  const known = opened.get(project) ?? new Map<string, Remote>();
  opened.set(project, known);
  const tracked = { keyOf: keyInside(project), places: () => placesIn(readPointers(project)) };
  const remote = known.get(key) ?? remoteOf({ ...config, stateDir: project.stateDir }, project.repository?.env, tracked);
  known.set(key, remote);
  return remote;
}

/** The same for objects that no pointer names yet. Throws E_REMOTE for a remote that has files under their names. */
export function openObjects(project: Project, name?: string): Remote {
  const remote = openRemote(project, name);
  if (remote.versions !== null) throw notAnObjectStore(remote.name, "data goes there with `push`, when it is tracked");
  return remote;
}

/** Files under their names lie there as they lie below DVC's own root. */
function keyInside(project: Project): (path: string) => string {
  const folder = fromTop(project, project.dvcRoot ?? project.root);
  return (path) => (folder === "" ? path : path.slice(folder.length + 1));
}

/** The server behind a remote, for looking at it closely; null for a folder. Throws as `openRemote`. */
export async function openServer(project: Project, name?: string): Promise<{ server: ObjectServer; kind: string } | null> {
  const config = findRemote(project, name);
  if (!isUrl(config.url)) return null;
  const kind = schemeOf(config.url);
  return { server: await connectorOf(kind)(config, project.repository?.env ?? process.env), kind };
}

/** The folder that is a remote; null for what is behind a server. Throws as `openRemote`. */
export function openFolder(project: Project, name?: string): ObjectFolder | null {
  return folderOf(findRemote(project, name));
}

function folderOf({ url, options }: RemoteConfig): ObjectFolder | null {
  return isUrl(url) ? null : { dir: url, shared: options.get("shared")?.toLowerCase() === "group" };
}

export function schemeOf(url: string): string {
  return /^\w+/.exec(url)?.[0] ?? "";
}

/** The remote a configuration describes; nothing is asked yet. Throws E_REMOTE, E_CONFIG. */
export function remoteOf(config: RemoteConfig, env: Environment = process.env, tracked: Tracked = NOTHING_TRACKED): Remote {
  const isVersioned = isVersionAware(config.options);
  if (isVersioned && !VERSIONED_KINDS.has(schemeOf(config.url))) throw noVersions(config);
  const folder = folderOf(config);
  if (folder !== null) return folderRemote(config.name, folder);
  const connect = connectorOf(schemeOf(config.url));
  const served = { name: config.name, location: withoutSecrets(config.url), jobs: jobsFor(config), connect: () => connect(config, env) };
  return isVersioned ? versionedRemote({ ...served, ...tracked }) : servedRemote(served);
}

/**
 * Each small object costs a way there and back: so many are under way at once. The clouds take as many connections as anybody makes, SSH makes
 * one for all; a web server of one's own may have room for fewer.
 */
const JOBS = new Map(Object.entries({ s3: 64, gs: 64, azure: 64, ssh: 64, http: 32, https: 32, webdav: 32, webdavs: 32 }));

/** How many connections are made, unless somebody has said it for this command. */
export function jobsFor({ url, options }: Pick<RemoteConfig, "url" | "options">): number {
  return Number(options.get("jobs") ?? defaultJobs(JOBS.get(schemeOf(url))));
}

/** Those whose servers keep versions, as far as we know their protocols. */
const VERSIONED_KINDS = new Set(["s3", "gs"]);

const NOTHING_TRACKED: Tracked = { keyOf: (path) => path, places: () => new Map() };

function noVersions({ name, url, options }: RemoteConfig): ExpverError {
  const option = options.get("worktree")?.toLowerCase() === "true" ? "worktree" : "version_aware";
  const isAzure = schemeOf(url) === "azure";
  const kind = isUrl(url) ? `${schemeOf(url)}://` : "a folder";
  const why = isAzure ? "and those that Azure keeps are not used here" : `not ${kind}`;
  return new ExpverError("E_REMOTE", `remote ${name} is ${option}: versions of files are kept on ${kindsOf(VERSIONED_KINDS)}, ${why}`, {
    hint: `${isAzure ? "Use dvc for it. " : ""}Let it keep objects: expver data remote modify ${name} ${option} false; or use another remote.`,
    details: { remote: name, url: withoutSecrets(url) },
  });
}

function kindsOf(schemes: ReadonlySet<string>): string {
  return [...schemes].map((scheme) => `${scheme}://`).join(", ");
}

/** The server at a place nobody has named: no option says more than the URL. */
export function serverAt(config: RemoteConfig, env: Environment): Promise<ObjectServer> {
  return connectorOf(schemeOf(config.url))(config, env);
}

/** Loaded when used. */
const KINDS: Record<string, (config: RemoteConfig, env: Environment) => Promise<ObjectServer>> = {
  azure: async (config, env) => (await import("./azure/azure.ts")).azureServer(config, env),
  gs: async (config, env) => (await import("./gs/gs.ts")).gsServer(config, env),
  http: async (config, env) => (await import("./http.ts")).httpServer(config, env),
  https: async (config, env) => (await import("./http.ts")).httpServer(config, env),
  s3: async (config, env) => (await import("./s3/s3.ts")).s3Server(config, env),
  ssh: async (config, env) => (await import("./ssh/ssh.ts")).sshServer(config, env),
  webdav: async (config, env) => (await import("./webdav.ts")).webdavServer(config, env),
  webdavs: async (config, env) => (await import("./webdav.ts")).webdavServer(config, env),
};

/** Kinds that are not built in are left to an installed dvc. */
function connectorOf(scheme: string): (config: RemoteConfig, env: Environment) => Promise<ObjectServer> {
  return KINDS[scheme] ?? (async (config, env) => (await import("./dvc.ts")).dvcServer(config, env));
}

/** A URL may carry a password. */
export function withoutSecrets(url: string): string {
  return url.replace(/^(\w+:\/\/[^/@:]*):[^/@]*@/, "$1:***@");
}

function findRemote(project: Project, name: string | undefined): RemoteConfig {
  const { remotes, defaultRemote } = readDvcConfig(project);
  const wanted = name?.toLowerCase() ?? defaultRemote;
  if (wanted === null) {
    throw new ExpverError("E_REMOTE", "no remote is named, and there is no default remote", {
      hint: "Add one: expver data remote add -d NAME FOLDER",
      details: { remotes: [...remotes.keys()] },
    });
  }
  const found = remotes.get(wanted);
  if (found !== undefined && schemeOf(found.url) === "remote") {
    throw new ExpverError("E_REMOTE", `remote ${found.name}: ${found.url} leads to no remote that has a place`, {
      hint: "`expver data remote list` shows what each url says.",
      details: { remote: found.name, remotes: [...remotes.keys()] },
    });
  }
  if (found !== undefined && found.url !== "") {
    checkRemoteValues(found.name, found.options);
    return found;
  }
  const known = remotes.size === 0 ? "there are none yet" : `there are: ${[...remotes.keys()].join(", ")}`;
  throw new ExpverError("E_REMOTE", `there is no remote ${wanted}; ${known}`, {
    details: { remote: wanted, remotes: [...remotes.keys()] },
  });
}
