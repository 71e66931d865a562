/** Trying out a remote with an object of our own: what may be done there, and what is missing when it may not. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { removePath } from "../../platform/files.ts";
import type { ObjectName } from "../objects/layout.ts";
import { taking } from "./bounds.ts";
import { keyOf } from "./keys.ts";
import { newController } from "./many.ts";
import { openRemote, openServer } from "./open-remote.ts";
import type { Remote } from "./remote.ts";
import { concernsAll } from "./retry.ts";
import type { Key, ObjectServer, Source } from "./server.ts";
import { keepsNone } from "./versioned.ts";

interface Probe {
  step: "put" | "head" | "list" | "get" | "multipart" | "delete";
  state: "ok" | "failed" | "not tried" | "not offered";
  /** What the remote must allow for it; empty where something else is wrong than a right that is missing. */
  needs: string;
  error: { code: string; message: string; hint: string } | null;
}

export interface RemoteProbes {
  remote: string;
  location: string;
  /** Who we are there, and which source of credentials said so. */
  identity: string;
  /** How far the server's clock is ahead of ours, in seconds; null when it does not say. */
  clockSkewSeconds: number | null;
  probes: Probe[];
  /** Objects of ours that could not be deleted again: their full names, to be deleted by who may. */
  left: string[];
}

type Step = Probe["step"];

/** Needs of a step by kind of remote. */
const NEEDS: Record<string, Record<Step, string>> = {
  s3: {
    put: "s3:PutObject",
    head: "s3:GetObject",
    list: "s3:ListBucket",
    get: "s3:GetObject",
    multipart: "s3:PutObject, s3:ListBucketMultipartUploads, s3:ListMultipartUploadParts",
    delete: "s3:DeleteObject",
  },
  azure: {
    put: "w of the SAS token, or Storage Blob Data Contributor",
    head: "r of the SAS token, or Storage Blob Data Reader",
    list: "l of the SAS token, or Storage Blob Data Reader",
    get: "r of the SAS token, or Storage Blob Data Reader",
    multipart: "r and w of the SAS token, or Storage Blob Data Contributor",
    delete: "d of the SAS token, or Storage Blob Data Contributor",
  },
  gs: {
    put: "storage.objects.create",
    head: "storage.objects.get",
    list: "storage.objects.list",
    get: "storage.objects.get",
    multipart: "storage.objects.create, storage.objects.delete",
    delete: "storage.objects.delete",
  },
  http: { put: "POST or PUT, as `method` says", head: "HEAD or GET", list: "", get: "GET", multipart: "", delete: "DELETE" },
  webdav: { put: "MKCOL, PUT, MOVE", head: "HEAD", list: "PROPFIND", get: "GET", multipart: "", delete: "DELETE" },
  ssh: {
    put: "write in the folder",
    head: "search the folder",
    list: "read the folder",
    get: "read",
    multipart: "",
    delete: "write in the folder",
  },
  folder: { put: "write in the folder", head: "search the folder", list: "", get: "read", multipart: "", delete: "write in the folder" },
};

const NEEDS_OF_VERSIONS: Record<string, Partial<Record<Step, string>>> = {
  s3: { head: "s3:GetObjectVersion", get: "s3:GetObjectVersion", delete: "s3:DeleteObjectVersion" },
};

const SMALL = 1024;
// Two parts, the first of the smallest size S3 takes.
const IN_PARTS = 5 * 2 ** 20 + SMALL;

/** Writes, looks at, lists, reads and deletes an object of our own. Throws when the remote is not configured or its kind not built in. */
export async function probeRemote(project: Project, name?: string): Promise<RemoteProbes> {
  const remote = openRemote(project, name);
  const opened = await openServer(project, name);
  const { name: found, location } = remote;
  if (opened === null) {
    const { steps, left } = folderSteps(remote);
    const probes = await run(steps, NEEDS.folder ?? {});
    return { remote: found, location, identity: "the user who runs this", clockSkewSeconds: null, probes, left: placesOf(location, left) };
  }
  const { server, kind } = opened;
  const isVersioned = remote.versions !== null;
  const needs = { ...NEEDS[kind.replace(/^(http|webdav)s$/, "$1")], ...(isVersioned ? NEEDS_OF_VERSIONS[kind] : {}) };
  const identity = await server.identity().catch((error: unknown) => {
    if (error instanceof ExpverError) return `nobody: ${error.message}`;
    throw error;
  });
  const { steps, left } = serverSteps(server, isVersioned ? () => keepsNone(found, location) : null);
  const probes = await run(steps, needs);
  const skew = server.skewMs();
  const clockSkewSeconds = skew === null ? null : Math.round(skew / 1000);
  return { remote: found, location, identity, clockSkewSeconds, probes, left: placesOf(location, left) };
}

function placesOf(location: string, left: ReadonlySet<Key>): string[] {
  return [...left].map((key) => `${location.replace(/\/$/, "")}/${key}`);
}

type Try = (() => Promise<void>) | null;

interface Tries {
  steps: [Step, Try][];
  /** Written, and not deleted so far. */
  left: ReadonlySet<Key>;
}

async function run(steps: [step: Step, attempt: Try][], needs: Partial<Record<Step, string>>): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const [step, attempt] of steps) {
    const probe: Probe = { step, state: "ok", needs: needs[step] ?? "", error: null };
    probes.push(probe);
    // Without an object there is nothing to look at; listing can be tried all the same.
    const isHopeless = step !== "put" && step !== "list" && step !== "multipart" && probes[0]?.state === "failed";
    if (attempt === null) probe.state = "not offered";
    else if (isHopeless) {
      probe.state = "not tried";
      if (probes[0]?.needs === "") probe.needs = "";
    } else {
      try {
        await attempt();
      } catch (error) {
        if (!(error instanceof ExpverError)) throw error;
        probe.state = "failed";
        probe.error = { code: error.code, message: error.message, hint: error.hint };
        if (concernsAll(error)) probe.needs = "";
      }
    }
  }
  return probes;
}

/** `keepsNone`: what is wrong when there is no version of what was written; null where none is wanted. */
function serverSteps(server: ObjectServer, keepsNone: (() => ExpverError) | null): Tries {
  const { signal } = newController();
  const bytes = randomBytes(SMALL);
  const key = keyOf(nameOf(bytes));
  const large = randomBytes(IN_PARTS);
  const largeKey = keyOf(nameOf(large));
  const { list } = server;
  const seen = (isSeen: boolean) => {
    if (!isSeen) throw new ExpverError("E_REMOTE_ANSWER", "what was written is not seen there");
  };
  let version: string | undefined;
  const left = new Set<Key>();
  const remove = async (what: Key, which: string | undefined) => {
    await server.remove(what, signal, which);
    left.delete(what);
  };
  const steps: [Step, Try][] = [
    [
      "put",
      async () => {
        const kept = keepsNone === null ? undefined : await server.putVersion?.(key, sourceOf(bytes), signal);
        if (kept === undefined) await server.put(key, sourceOf(bytes), signal);
        left.add(key);
        version = kept?.version;
        if (keepsNone !== null && kept !== undefined && version === undefined) throw keepsNone();
      },
    ],
    ["head", async () => seen((await server.find(key, signal, version)) !== null)],
    [
      "list",
      list === null
        ? null
        : async () => {
            for await (const _page of list(key.slice(0, key.lastIndexOf("/")), signal)) return;
          },
    ],
    [
      "get",
      async () => {
        const pieces: Buffer[] = [];
        const coming = await server.get(key, { from: 0, signal, version });
        for await (const piece of coming === null ? [] : taking(coming, { place: key, most: SMALL })) pieces.push(piece);
        seen(Buffer.concat(pieces).equals(bytes));
      },
    ],
    [
      "multipart",
      server.putInParts === undefined
        ? null
        : async () => {
            await server.putInParts?.(largeKey, sourceOf(large), signal);
            left.add(largeKey);
            const made = keepsNone === null ? null : await server.find(largeKey, signal);
            await remove(largeKey, made?.version).catch(() => {});
          },
    ],
    ["delete", () => remove(key, version)],
  ];
  return { steps, left };
}

function folderSteps(remote: Remote): Tries {
  const bytes = randomBytes(SMALL);
  const object = nameOf(bytes);
  const failing = async (work: Promise<{ error: ExpverError | null }[]>) => {
    const [failure] = await work;
    if (failure?.error) throw failure.error;
  };
  const seen = (isSeen: boolean) => {
    if (!isSeen) throw new ExpverError("E_OBJECT", "what was written is not seen there");
  };
  const left = new Set<Key>();
  const steps: [Step, Try][] = [
    [
      "put",
      async () => {
        const folder = mkdtempSync(join(tmpdir(), "expver-probe-"));
        try {
          writeFileSync(join(folder, "object"), bytes);
          await failing(remote.send([{ object, from: join(folder, "object"), size: SMALL }], {}));
          left.add(keyOf(object));
        } finally {
          removePath(folder);
        }
      },
    ],
    ["head", async () => seen((await remote.present([object], {})).length === 1)],
    ["list", null],
    ["get", async () => seen((await remote.read(object))?.equals(bytes) === true)],
    ["multipart", null],
    [
      "delete",
      async () => {
        await failing(remote.remove([object], {}));
        left.clear();
      },
    ],
  ];
  return { steps, left };
}

function nameOf(bytes: Buffer): ObjectName {
  return { hash: createHash("md5").update(bytes).digest("hex"), hashName: "md5" };
}

function sourceOf(bytes: Buffer): Source {
  return {
    size: bytes.length,
    md5: nameOf(bytes).hash,
    async *chunks() {
      for (let start = 0; start < bytes.length; start += 2 ** 20) yield bytes.subarray(start, start + 2 ** 20);
    },
  };
}
