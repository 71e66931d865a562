/**
 * Kinds of remotes that are not built in, by the dvc that is installed here: its own file systems do what an object server does, told line by
 * line. Needed for no other kind.
 */
import { createReadStream, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, ExpverError } from "../../errors.ts";
import { type Conversation, startConversation } from "../../platform/conversation.ts";
import { readTextIfExists, removePath } from "../../platform/files.ts";
import { runProcess } from "../../platform/processes.ts";
import type { RemoteConfig } from "../settings/dvc-config.ts";
import type { Environment } from "./http-access.ts";
import type { KeyAndSize, ObjectServer, Source } from "./server.ts";
import { parseJson } from "./token-source.ts";

/** What dvc's Python is asked to run: requests and answers are lines of JSON. */
const SCRIPT = `
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
setup = json.loads(sys.stdin.readline())
lock = threading.Lock()
def say(answer):
    with lock:
        sys.stdout.write(json.dumps(answer) + "\\n")
        sys.stdout.flush()
def failure(error):
    return {"error": type(error).__name__, "message": str(error)[:500]}
try:
    from dvc.fs import get_cloud_fs
    cls, conf, root = get_cloud_fs(None, **setup)
    fs = cls(**conf)
    fs.fs
except BaseException as error:
    say({"id": 0, **failure(error)})
    sys.exit(1)
say({"id": 0})
def at(key):
    return fs.join(root, *key.split("/"))
def find(key, **_):
    fs.fs.invalidate_cache()
    found = fs.info(at(key))
    return {"size": found.get("size") if found.get("type") != "directory" else None}
def get(key, path, **_):
    fs.get_file(at(key), path)
    return {}
def put(key, path, temporary, **_):
    from dvc_objects.fs.base import ObjectFileSystem
    if isinstance(fs, ObjectFileSystem):
        fs.put_file(path, at(key))
    else:
        fs.makedirs(fs.parent(at(key)))
        fs.put_file(path, at(temporary))
        fs.mv(at(temporary), at(key))
    return {}
def remove(key, **_):
    fs.rm_file(at(key))
    return {}
def list_(key, **_):
    fs.fs.invalidate_cache()
    return {"entries": [[entry["name"], entry.get("size") or 0] for entry in fs.ls(at(key), detail=True) if entry.get("type") == "file"]}
does = {"find": find, "get": get, "put": put, "remove": remove, "list": list_}
def answer(request):
    try:
        say({"id": request["id"], **does[request["does"]](**request)})
    except FileNotFoundError:
        say({"id": request["id"], "absent": True})
    except BaseException as error:
        say({"id": request["id"], **failure(error)})
with ThreadPoolExecutor(16) as pool:
    for line in sys.stdin:
        pool.submit(answer, json.loads(line))
`;

interface Answer {
  id: number;
  absent?: true;
  error?: string;
  message?: string;
  size?: number | null;
  entries?: [name: string, size: number][];
}

/** Throws E_REMOTE_KIND when no dvc is installed, or it lacks what this kind needs. */
export async function dvcServer(config: RemoteConfig, env: Environment): Promise<ObjectServer> {
  const { name, url, options } = config;
  const scheme = /^\w+/.exec(url)?.[0] ?? "";
  const python = pythonOfDvc(env);
  if (python === null) throw notInstalled(config, scheme);
  const conversation = await startConversation(python, ["-c", SCRIPT], { env });
  const ask = questions(conversation, name);
  const isOption = ([key]: [string, string]) => !["jobs", "checksum_jobs", "no_traverse"].includes(key);
  conversation.write(Buffer.from(`${JSON.stringify({ ...Object.fromEntries([...options].filter(isOption)), url })}\n`));
  const greeting = await ask.greeting;
  if (greeting.error !== undefined) throw notInstalled(config, scheme, greeting.message);
  const must = async (request: Record<string, string>, signal: AbortSignal): Promise<Answer> => {
    const answer = await ask.one(request, signal);
    if (answer.error !== undefined) throw refused(name, request, answer);
    return answer;
  };
  return {
    async find(key, signal) {
      const answer = await must({ does: "find", key }, signal);
      return answer.absent ? null : { size: answer.size ?? undefined };
    },
    async get(key, { signal }) {
      const folder = mkdtempSync(join(tmpdir(), "expver-dvc-"));
      const path = join(folder, "object");
      const forget = () => removePath(folder);
      const answer = await must({ does: "get", key, path }, signal).catch((error: unknown) => {
        forget();
        throw error;
      });
      if (!answer.absent) return { from: 0, length: undefined, bytes: readAndForget(path, forget) };
      forget();
      return null;
    },
    async put(key, source, signal) {
      const folder = mkdtempSync(join(tmpdir(), "expver-dvc-"));
      try {
        const path = await verifiedFile(source, join(folder, "object"));
        const temporary = `${key.slice(0, key.lastIndexOf("/"))}/.${folder.slice(-6)}.tmp`;
        await must({ does: "put", key, path, temporary }, signal);
      } finally {
        removePath(folder);
      }
    },
    async remove(key, signal) {
      await must({ does: "remove", key }, signal);
    },
    async *list(folder, signal) {
      const { entries = [] } = await must({ does: "list", key: folder }, signal);
      const files = entries.map(([path, size]): KeyAndSize => ({ key: `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`, size }));
      yield files.sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    identity: async () => `what dvc (${python}) finds`,
    skewMs: () => null,
  };
}

/** The interpreter in the first lines of the installed `dvc`. */
function pythonOfDvc(env: Environment): string | null {
  const { code, stdout } = runProcess("/bin/sh", ["-c", "command -v dvc"], { cwd: "/", env });
  const path = code === 0 ? stdout.toString("utf8").trim() : "";
  const head = path.startsWith("/") ? (readTextIfExists(path) ?? "").slice(0, 500) : "";
  return /(\/\S*python[\d.]*)/.exec(head)?.[1] ?? null;
}

function questions(conversation: Conversation, remote: string) {
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: unknown) => void }>();
  let lastId = 0;
  let over: ExpverError | null = null;
  let rest = "";
  conversation.onOutput((bytes) => {
    const lines = (rest + bytes.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      // Anything else was printed by somebody.
      const answer = parseJson(line) as Answer | null;
      if (answer === null) continue;
      waiting.get(answer.id)?.resolve(answer);
      waiting.delete(answer.id);
      if (waiting.size === 0) conversation.setBusy(false);
    }
  });
  conversation.onEnd(({ code, stderr }) => {
    const said = stderr.trim().split("\n").at(-1) ?? "";
    over = new ExpverError("E_REMOTE_ANSWER", `remote ${remote}: dvc's Python ended with ${code}: ${said}`, { details: { remote } });
    for (const { reject } of waiting.values()) reject(over);
    waiting.clear();
  });
  const wait = (id: number) => new Promise<Answer>((resolve, reject) => waiting.set(id, { resolve, reject }));
  return {
    greeting: wait(0),
    one(request: Record<string, string>, signal: AbortSignal): Promise<Answer> {
      if (over !== null) return Promise.reject(over);
      if (signal.aborted) return Promise.reject(new ExpverError("E_INTERRUPTED", `interrupted while asking ${remote}`));
      lastId += 1;
      const answer = wait(lastId);
      conversation.setBusy(true);
      conversation.write(Buffer.from(`${JSON.stringify({ id: lastId, ...request })}\n`));
      return answer;
    },
  };
}

/** dvc sends files: this one's bytes are checked first, and written down when they are in no file. */
async function verifiedFile(source: Source, spare: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of source.chunks()) if (source.path === undefined) pieces.push(piece);
  if (source.path !== undefined) return source.path;
  writeFileSync(spare, Buffer.concat(pieces));
  return spare;
}

async function* readAndForget(path: string, forget: () => void): AsyncIterable<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>;
  } finally {
    forget();
  }
}

function notInstalled({ name }: RemoteConfig, scheme: string, said?: string): ExpverError {
  return new ExpverError(
    "E_REMOTE_KIND",
    `remote ${name}: ${scheme}:// is not built in, and ${said === undefined ? "no dvc is installed" : `dvc says: ${said}`}`,
    {
      hint: `Install dvc with what this kind needs: pip install 'dvc[${scheme}]'`,
      details: { remote: name, scheme },
    },
  );
}

function refused(remote: string, { does = "", key = "" }: Record<string, string>, { error = "", message = "" }: Answer): ExpverError {
  const all = `${error}: ${message}`;
  const code: ErrorCode = /PermissionError|403|Forbidden|AccessDenied/i.test(all)
    ? "E_REMOTE_FORBIDDEN"
    : /401|credential|unauthori[sz]ed|authenticat/i.test(all)
      ? "E_REMOTE_AUTH"
      : /time.?out/i.test(all)
        ? "E_REMOTE_TIMEOUT"
        : "E_REMOTE_ANSWER";
  return new ExpverError(code, `remote ${remote}: cannot ${does} ${key}: ${all}`, { details: { remote } });
}
