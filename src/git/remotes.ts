/** Which Git remote we publish to, and what tags it has. */
import { git, gitResult, type Repository } from "./git.ts";
import { headBranch } from "./refs.ts";
import { readSettings } from "./settings.ts";

/** The remote `git push` would use, or the only one, or `origin`; null when there is none or the choice is open. */
export function publishRemote(repository: Repository): string | null {
  const settings = readSettings(repository);
  const isOfBranch = [...settings.keys()].some((key) => key.startsWith("branch."));
  const branch = isOfBranch ? headBranch(repository)?.replace(/^refs\/heads\//, "") : undefined;
  const ofBranch = (key: string) => (branch === undefined ? undefined : settings.get(`branch.${branch}.${key}`));
  const chosen = [ofBranch("pushremote"), settings.get("remote.pushdefault"), ofBranch("remote")].find(isElsewhere);
  if (chosen !== undefined) return chosen;
  const names = remoteNames(settings);
  if (names.length === 1) return names[0] ?? null;
  return names.includes("origin") ? "origin" : null;
}

/**
 * Where versions of others come from: the remote they are published to first; then, as that may be a fork, the one `git pull` takes
 * from, and what the original of a fork is called: `upstream`, or `origin` where the fork was added later. None when nothing says where versions are published to.
 */
export function sourceRemotes(repository: Repository): string[] {
  const own = publishRemote(repository);
  if (own === null) return [];
  const settings = readSettings(repository);
  const names = remoteNames(settings);
  const branch = headBranch(repository)?.replace(/^refs\/heads\//, "");
  const others = [branch === undefined ? "" : (settings.get(`branch.${branch}.remote`) ?? ""), "upstream", "origin"];
  return [...new Set([own, ...others.filter((name) => names.includes(name))])];
}

/** Names of the configured remotes, sorted. */
export function listRemotes(repository: Repository): string[] {
  return remoteNames(readSettings(repository));
}

/**
 * Tags of the remote whose name begins with `prefix`, each with its object (the tag's own); null when the remote did not
 * answer in time or at all. Never asks for a password.
 */
export function lsRemoteTags(repository: Repository, remote: string, prefix: string, timeoutMs: number): Map<string, string> | null {
  const args = ["ls-remote", "--refs", "--", remote, `refs/tags/${prefix}*`];
  const result = gitResult(repository, args, { allow: [...Array(256).keys()], env: unattended(repository), timeoutMs });
  if (result.code !== 0) return null;
  const lines = result.stdout.toString("utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(line.indexOf("\t") + 1).replace(/^refs\/tags\//, ""), line.slice(0, line.indexOf("\t"))]));
}

/** Branches and tags of the remote, each with its object (a tag's own). Throws E_GIT with git's words when it does not answer. */
export function readRemoteRefs(repository: Repository, remote: string): Map<string, string> {
  const output = git(repository, ["ls-remote", "--refs", "--heads", "--tags", "--", remote]);
  const lines = output.split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(line.indexOf("\t") + 1), line.slice(0, line.indexOf("\t"))]));
}

/** The same of the place pushes go to, which may be another than fetches come from (`pushurl`). */
export function readPushedRefs(repository: Repository, remote: string): Map<string, string> {
  return readRemoteRefs(repository, pushPlace(repository, remote));
}

const pushPlaces = new WeakMap<Repository, Map<string, string>>();

/** By its name where that is the same: settings of the remote hold then. It is looked at before a push and after it. */
function pushPlace(repository: Repository, remote: string): string {
  const places = pushPlaces.get(repository) ?? new Map<string, string>();
  pushPlaces.set(repository, places);
  const known = places.get(remote);
  if (known !== undefined) return known;
  const urlOf = (...direction: string[]) => gitResult(repository, ["remote", "get-url", ...direction, "--", remote], { allow: [2, 128] });
  const [push, fetch] = [urlOf("--push"), urlOf()].map(({ code, stdout }) => (code === 0 ? stdout.toString("utf8").trimEnd() : null));
  const place = push === undefined || push === null || push === fetch ? remote : push;
  places.set(remote, place);
  return place;
}

function remoteNames(settings: Map<string, string>): string[] {
  const names = [...settings.keys()].flatMap((key) => /^remote\.(.*)\.url$/s.exec(key)?.[1] ?? []);
  return [...new Set(names)].sort();
}

/** `.` is this very repository. */
function isElsewhere(remote: string | undefined): remote is string {
  return remote !== undefined && remote !== "" && remote !== ".";
}

/** Nobody is there to type a password; an ssh command the user chose is left alone. */
function unattended(repository: Repository): Record<string, string> {
  const chosen = repository.env.GIT_SSH_COMMAND ?? repository.env.GIT_SSH;
  const configured = chosen === undefined && gitResult(repository, ["config", "--get", "core.sshCommand"], { allow: [1] }).code === 0;
  const ssh = chosen === undefined && !configured ? { GIT_SSH_COMMAND: "ssh -o BatchMode=yes" } : {};
  return { GIT_TERMINAL_PROMPT: "0", ...ssh };
}
