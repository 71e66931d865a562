/** `init --remote`, `--cache`, `--link`: where data is pushed to, where its bytes are kept and how they are linked. Reads only. */
import { existsSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Place } from "../../config/project.ts";
import { isSecretKey } from "../../config/secrets.ts";
import { ExpverError } from "../../errors.ts";
import { gitResult } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder } from "../../platform/files.ts";
import { homeFolder } from "../../platform/home.ts";
import { loginIn } from "../../platform/http.ts";
import type { ObjectFolder } from "../../store/objects/layout.ts";
import { type CacheFile, cacheFiles } from "../../store/objects/unused.ts";
import { type ConfigLevel, isPathOption, isUrl, readDvcConfig, readLevel } from "../../store/settings/dvc-config.ts";
import type { ConfigValue, Sections } from "../../store/settings/dvc-config-file.ts";
import type { FileEdit } from "../../store/types.ts";
import type { Input, Step } from "../contract.ts";
import { editLevel, sectionOf, storedConfigPath } from "../data/settings/config-plan.ts";
import { listOf, textIn, wordsOf } from "../input.ts";
import { parseGiven } from "../run/parameters/parameters.ts";

export interface StoreSettings {
  edits: FileEdit[];
  steps: Step[];
  /** Name of the remote to try out; null: none was asked for. */
  remote: string | null;
  /** The cache as it will be; null: nothing was asked for. */
  cache: CacheMove | null;
}

export interface CacheMove {
  to: ObjectFolder;
  from: string;
  /** Objects that are only in the old one. */
  objects: CacheFile[];
}

interface Change {
  level: ConfigLevel;
  section: string;
  option: string;
  value: string;
}

const LINK_TYPES = ["reflink", "hardlink", "symlink", "copy"];

/** Throws E_USAGE for what cannot be meant, E_CONFIG where another remote is the default already. */
export function planStore(place: Place, context: Context, input: Input): StoreSettings {
  const remote = remoteChanges(place, context, input);
  const cache = cacheChanges(place, context, input);
  const changes = [...remote.changes, ...cache.changes, ...linkChanges(input)];
  const edits: FileEdit[] = [];
  // `.dvc` is made by then.
  const made = { ...place, dvcRoot: place.dvcRoot ?? place.root };
  for (const level of ["repo", "local"] as const) {
    const own = changes.filter((change) => change.level === level);
    if (own.length > 0) edits.push(editLevel(made, level, (sections) => setAll(sections, own), edits));
  }
  requireHidden(place, remote.changes);
  return {
    edits: edits.filter(({ before, after }) => before !== after),
    steps: [...remote.steps, ...cache.steps, ...(remote.name === null || input.check === false ? [] : [CHECK(remote.name)])],
    remote: input.check === false ? null : remote.name,
    cache: cache.move,
  };
}

const CHECK = (name: string): Step => ({
  verb: "check",
  target: `remote ${name}`,
  detail: "writes, looks at, lists, reads and deletes an object of its own",
});

function setAll(sections: Sections, changes: readonly Change[]): void {
  for (const { section, option, value } of changes) sectionOf(sections, section).set(option, value as ConfigValue);
}

interface RemoteChanges {
  name: string | null;
  changes: Change[];
  steps: Step[];
}

function remoteChanges(place: Place, context: Context, input: Input): RemoteChanges {
  const typed = textIn(input.remote);
  const given = parseGiven(wordsOf(input.remoteOption), { option: "--remote-option ", example: "--remote-option region=eu-central-1" });
  if (typed === undefined) {
    if (Object.keys(given).length === 0) return { name: null, changes: [], steps: [] };
    throw new ExpverError("E_USAGE", "--remote-option belongs to a --remote", {
      hint: "expver init --remote URL --remote-option NAME=VALUE",
    });
  }
  const { defaultRemote, remotes } = readDvcConfig(place);
  const current = defaultRemote === null ? undefined : remotes.get(defaultRemote);
  const name = textIn(input.remoteName)?.toLowerCase() ?? defaultRemote ?? "storage";
  const { url, options } = takeApart(typed);
  const level: ConfigLevel = isUrl(url) || input.project === true ? "repo" : "local";
  const location = isUrl(url) ? url : resolve(context.cwd, url.replace(/^~(?=\/|$)/, homeFolder()));
  const known = remotes.get(name);
  if (known !== undefined && known.url.replace(/\/$/, "") !== location.replace(/\/$/, "")) {
    throw new ExpverError("E_CONFIG", `there is a remote ${name} already: ${known.url}`, {
      hint: `Keep it, name the new one otherwise (--remote-name NAME), or change it: expver data remote modify ${name} url ${url}`,
      details: { remote: name, url: known.url },
    });
  }
  const section = `remote "${name}"`;
  const all = { ...options, ...given };
  const changes = [
    ...(known === undefined ? [{ level, section, option: "url", value: storedConfigPath(place, context, { level, typed: url }) }] : []),
    ...Object.entries(all).map(([option, given]): Change => {
      const at = isOwn(option) ? "local" : level;
      const value = isPathOption(section, option) ? storedConfigPath(place, context, { level: at, typed: given }) : given;
      return { level: at, section, option, value };
    }),
    ...(current === undefined || input.remoteName !== undefined ? [{ level, section: "core", option: "remote", value: name }] : []),
  ];
  return { name, changes, steps: [] };
}

/** Secrets, and what is this person's or this machine's: who they are there and files of theirs. */
function isOwn(option: string): boolean {
  return isSecretKey(option) || OWN.has(option);
}

const OWN = new Set("user account_key sas_token session_token token keyfile credentialpath configpath cert_path key_path".split(" "));

/** A password within a URL would be in a file that everybody sees. */
function takeApart(typed: string): { url: string; options: Record<string, string> } {
  if (!isUrl(typed) || !URL.canParse(typed)) return { url: typed, options: {} };
  const url = new URL(typed);
  if (url.password === "") return { url: typed, options: {} };
  const { user, password } = loginIn(url);
  url.password = "";
  if (url.protocol === "ssh:") return { url: url.href, options: { password } };
  url.username = "";
  return { url: url.href, options: { ...(/^https?:$/.test(url.protocol) ? { auth: "basic" } : {}), user, password } };
}

/** Throws E_CONFIG where Git would show `config.local`. */
function requireHidden({ repository, root, dvcRoot }: Place, changes: readonly Change[]): void {
  if (repository === null || dvcRoot === null || !changes.some(({ level, option }) => level === "local" && isOwn(option))) return;
  const path = join(dvcRoot ?? root, ".dvc/config.local");
  if (gitResult(repository, ["check-ignore", "--quiet", "--", path], { allow: [1] }).code === 0) return;
  throw new ExpverError("E_CONFIG", `Git does not ignore ${relative(root, path)}, where secrets are to go`, {
    hint: "Add the line /config.local to .dvc/.gitignore.",
    details: { path },
  });
}

interface CacheChanges {
  changes: Change[];
  steps: Step[];
  move: CacheMove | null;
}

/** `shared` leaves it where it is; a folder of the machine is for it alone, so both stand in `config.local` unless everybody has it there. */
function cacheChanges(place: Place, context: Context, input: Input): CacheChanges {
  const typed = textIn(input.cache);
  const isGroup = input.group === true || typed === "shared";
  if (typed === undefined && !isGroup) return { changes: [], steps: [], move: null };
  const now = readDvcConfig(place).cache;
  const level: ConfigLevel = input.project === true ? "repo" : "local";
  const dir = typed === undefined || typed === "shared" ? now.dir : resolve(context.cwd, typed.replace(/^~(?=\/|$)/, homeFolder()));
  if (existsSync(dir) && !isFolder(dir)) throw new ExpverError("E_USAGE", `--cache ${typed}: it is no folder`, { details: { path: dir } });
  const shared = isGroup || now.shared || (dir !== now.dir && isOfGroup(dir));
  const there = new Set(cacheFiles(dir, context.clock()).map(({ name }) => name));
  const objects = dir === now.dir ? [] : cacheFiles(now.dir, context.clock()).filter(({ name }) => !there.has(name));
  const named = readLevel(place, level).get("cache");
  return {
    changes: [
      ...(dir === now.dir || typed === undefined
        ? []
        : [{ level, section: "cache", option: "dir", value: storedConfigPath(place, context, { level, typed: typed ?? dir }) }]),
      ...(shared && named?.get("shared") !== "group" ? [{ level, section: "cache", option: "shared", value: "group" }] : []),
    ],
    steps: [
      ...(shared ? [{ verb: "share", target: dir, detail: "its folders are 02775: members of its group may write" }] : []),
      ...(objects.length === 0
        ? []
        : [
            {
              verb: "copy",
              target: dir,
              detail: `objects of ${now.dir}`,
              count: objects.length,
              bytes: objects.reduce((sum, { size }) => sum + size, 0),
              keeps: now.dir,
            },
          ]),
    ],
    move: { to: { dir, shared }, from: now.dir, objects },
  };
}

/** Somebody has made it for a group: its members may write, and what they make belongs to it. */
function isOfGroup(dir: string): boolean {
  const stat = statSync(dir, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o2020) === 0o2020;
}

function linkChanges(input: Input): Change[] {
  const types = listOf(input.link);
  if (types.length === 0) return [];
  const wrong = types.find((type) => !LINK_TYPES.includes(type));
  if (wrong !== undefined) {
    throw new ExpverError("E_USAGE", `--link takes ${LINK_TYPES.join(", ")}, not ${JSON.stringify(wrong)}`, {
      details: { received: wrong },
    });
  }
  return [{ level: input.project === true ? "repo" : "local", section: "cache", option: "type", value: types.join(",") }];
}
