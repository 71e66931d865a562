/**
 * DVC's run cache: `runs/ab/KEY/VALUE` beside the objects, a text of YAML for each run of a stage that says what it read and made. `dvc repro`
 * looks there before it runs a stage again. Such a text is never changed: what has the name has the text.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Project } from "../../config/project.ts";
import { ExpverError, throwUnlessFailure } from "../../errors.ts";
import { fileSize, namesIn, writeFileAtomic } from "../../platform/files.ts";
import { md5Of } from "../../platform/hashing.ts";
import type { Pacing } from "../../platform/pace.ts";
import { openCache } from "../objects/cache.ts";
import { makeFolder, type ObjectFolder } from "../objects/layout.ts";
import { mostOf, taking } from "../remotes/bounds.ts";
import { filesBelow } from "../remotes/files-below.ts";
import { defaultJobs, forMany, signalOf } from "../remotes/many.ts";
import { openFolder, openRemote, openServer } from "../remotes/open-remote.ts";
import { retrying } from "../remotes/retry.ts";
import type { ObjectServer } from "../remotes/server.ts";
import { failedPath, type TransferReport } from "./transfer.ts";

/** `ab/KEY/VALUE`: both are SHA-256, of what the stage reads, and of that with what it made. */
type RunName = string;

interface RunFolder {
  names(signal: AbortSignal): Promise<RunName[]>;
  /** Null: it is not there. Throws E_OBJECT for what is too long to be one. */
  read(name: RunName, signal: AbortSignal): Promise<Buffer | null>;
  write(name: RunName, bytes: Buffer, signal: AbortSignal): Promise<void>;
}

export type MovedRuns = Pick<TransferReport, "objects" | "failed">;

const SHARD = /^[0-9a-f]{2}$/;
const DIGEST = /^[0-9a-f]{64}$/;
const RUN = /^([0-9a-f]{2})\/\1[0-9a-f]{62}\/[0-9a-f]{64}$/;
// A stage with very many outputs has a long one.
const LONGEST = 2 ** 26;
const FILE_MODE = 0o664;

/** Sends the runs that the remote lacks. Null: this kind of remote has none, as with dvc. */
export async function pushRuns(project: Project, context: Pacing, remote: string | undefined): Promise<MovedRuns | null> {
  const there = await runsThere(project, remote);
  return there && moveRuns({ from: runsIn(openCache(project)), to: there }, { context, label: "pushing runs" });
}

/** Brings the runs that the cache lacks. Null: this kind of remote has none, as with dvc. */
export async function fetchRuns(project: Project, context: Pacing, remote: string | undefined): Promise<MovedRuns | null> {
  const there = await runsThere(project, remote);
  return there && moveRuns({ from: there, to: runsIn(openCache(project)) }, { context, label: "fetching runs" });
}

async function moveRuns(
  { from, to }: { from: RunFolder; to: RunFolder },
  { context, label }: { context: Pacing; label: string },
): Promise<MovedRuns> {
  const { signal, release } = signalOf(context);
  try {
    const names = await retrying(() => from.names(signal), { signal });
    const known = names.length === 0 ? new Set() : new Set(await retrying(() => to.names(signal), { signal }));
    const lacking = names.filter((name) => !known.has(name)).map((name) => ({ object: { hash: name, hashName: "md5" as const } }));
    const failures = await forMany(lacking, { pacing: context, jobs: defaultJobs(), label }, async ({ object: { hash: name } }, tools) => {
      const bytes = await from.read(name, tools.signal);
      if (bytes === null) return;
      await to.write(name, bytes, tools.signal);
      tools.tell({ files: 0, bytes: bytes.length });
    });
    const failed = failures.flatMap(({ object, error }) => (error === null ? [] : [failedPath(`runs/${object.hash}`, error)]));
    return { objects: lacking.length - failures.length, failed };
  } catch (error) {
    // It keeps no data from moving.
    throwUnlessFailure(error);
    return { objects: 0, failed: [failedPath("runs", error)] };
  } finally {
    release();
  }
}

async function runsThere(project: Project, name: string | undefined): Promise<RunFolder | null> {
  const remote = openRemote(project, name);
  if (remote.versions !== null) return null;
  const folder = openFolder(project, name);
  if (folder !== null) return runsIn(folder);
  const server = (await openServer(project, name))?.server;
  // Over plain HTTP nobody knows what there is.
  return server?.readFolder === undefined ? null : runsBehind(server, remote.location);
}

function runsIn(folder: ObjectFolder): RunFolder {
  const top = join(folder.dir, "runs");
  return {
    async names() {
      const named = (below: string, shape: RegExp) => namesIn(join(top, below)).filter((name) => shape.test(name));
      const keys = named("", SHARD).flatMap((shard) => named(shard, DIGEST).map((key) => `${shard}/${key}`));
      return keys.flatMap((key) => named(key, DIGEST).map((value) => `${key}/${value}`)).filter(isRun);
    },
    async read(name) {
      const path = join(top, name);
      if (fileSize(path) > LONGEST)
        throw new ExpverError("E_OBJECT", `${path} is too long to be of DVC's run cache`, { details: { path } });
      return readFileSync(path);
    },
    async write(name, bytes) {
      const path = join(top, name);
      makeFolder(folder, join(path, ".."));
      writeFileAtomic(path, bytes, folder.shared ? { mode: FILE_MODE } : {});
    },
  };
}

function runsBehind(server: ObjectServer, location: string): RunFolder {
  return {
    async names(signal) {
      const files = (await filesBelow(server, "runs", { location: `${location}/runs`, signal })) ?? [];
      return files.map(({ relpath }) => relpath).filter(isRun);
    },
    async read(name, signal) {
      const answer = await server.get(`runs/${name}`, { from: 0, signal });
      if (answer === null) return null;
      const chunks: Buffer[] = [];
      for await (const chunk of taking(answer, { place: `${location}/runs/${name}`, most: mostOf(0) })) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    },
    write: (name, bytes, signal) =>
      server.put(
        `runs/${name}`,
        {
          size: bytes.length,
          md5: md5Of(bytes),
          chunks: async function* () {
            yield bytes;
          },
        },
        signal,
      ),
  };
}

function isRun(name: string): boolean {
  return RUN.test(name);
}
