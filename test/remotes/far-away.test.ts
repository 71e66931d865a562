/** A remote far away: what many versions need of it is asked for at the same time, not one after the other. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

const AT_ONCE = 4;
const VERSIONS = 6;

let repo: TestRepository;
const remote = makeFolder("far");
let gates: Record<string, Gate> = {};
let isDown = false;
const tried = new Map<string, number>();

/** Lets nobody through before so many have come; whoever waits in vain is alone. */
class Gate {
  #open = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  come = 0;
  isAlone = false;

  async pass(): Promise<void> {
    this.come += 1;
    if (this.come >= AT_ONCE) this.#open();
    const isOpen = await Promise.race([this.#opened.then(() => true), pause(3000, false)]);
    this.isAlone ||= !isOpen;
    this.#open();
  }
}

const server = createServer(async ({ method, url = "", socket }, response) => {
  if (isDown) {
    tried.set(url, (tried.get(url) ?? 0) + 1);
    socket.destroy();
    return;
  }
  const file = join(remote, url);
  await gates[method === "HEAD" ? "look" : url.endsWith(".dir") ? "listing" : ""]?.pass();
  response.writeHead(existsSync(file) ? 200 : 404);
  response.end(method === "GET" && existsSync(file) ? readFileSync(file) : "");
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  repo = makeRepository();
  const must = (...args: string[]) => expect(repo.expver(args)).toMatchObject({ code: 0 });
  must("init");
  must("data", "remote", "add", "-d", "store", remote);
  for (let version = 1; version <= VERSIONS; version += 1) {
    repo.write("images/one.png", `one ${version}`);
    repo.write("images/two.png", `two ${version}`);
    repo.write("model.bin", `model ${version}`);
    must("data", "add", "images", "model.bin");
    repo.commit(`version ${version}`);
    must("tag", `e0.${version}.0`, "-m", "x");
  }
  repo.git("switch", "-qc", "folders");
  for (let folder = 1; folder <= VERSIONS; folder += 1) repo.write(`folder-${folder}/file`, `${folder}`);
  must("data", "add", ...Array.from({ length: VERSIONS }, (_, index) => `folder-${index + 1}`));
  repo.commit("folders");
  must("data", "push");
  repo.git("switch", "-q", "main");
  must("data", "push", "-T");
  must("data", "remote", "modify", "store", "url", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterAll(() => void server.close());

beforeEach(() => {
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true, force: true });
  gates = { look: new Gate(), listing: new Gate() };
});

function expver(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: repo.root, env: repo.context.env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

function alone(): string[] {
  return Object.entries(gates).flatMap(([kind, { isAlone }]) => (isAlone ? [kind] : []));
}

it.each([
  ["fetch", "-T"],
  ["status", "-c", "-T"],
  ["gc", "-w", "-T", "--dry", "-f"],
  ["list", ".", "-R", "--json", "--rev", "folders"],
  ["diff", "folders", "e0.1.0", "--json"],
])("data %s reads listings at the same time", async (...args) => {
  const { code, stderr } = await expver("data", ...args);
  expect({ code, stderr, alone: alone() }).toEqual({ code: 0, stderr: "", alone: [] });
  expect(gates.listing?.come).toBeGreaterThanOrEqual(VERSIONS);
});

it.each([[[]], [["--cloud"]]])("verify %j of many versions looks for their objects at the same time, each once", async (more) => {
  const { code, stdout } = await expver("verify", ...more, "--json");
  const links = JSON.parse(stdout).data.versions.flatMap((one: { links: { kind: string; state: string }[] }) => one.links);
  const objects = links.filter(({ kind }: { kind: string }) => kind === "object");
  expect({ code, alone: alone(), states: [...new Set(objects.map(({ state }: { state: string }) => state))] }).toEqual({
    code: 0,
    alone: [],
    states: ["proven"],
  });
  // Of each version a listing, its two files and a model.
  expect(gates.look?.come).toBe(VERSIONS * 4);
  expect(gates.listing?.come).toBe(VERSIONS);
});

it("a server that breaks every connection is given up once, not for every version", async () => {
  isDown = true;
  try {
    const { code, stdout } = await expver("verify", "--json");
    expect({ code, links: JSON.parse(stdout).data.links }).toMatchObject({ code: 5, links: { missing: VERSIONS * 2 } });
    // As often as any one request is tried.
    expect(Math.max(...tried.values())).toBe(6);
  } finally {
    isDown = false;
  }
});
