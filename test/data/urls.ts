/** Files of other people's servers: what is written about them, and what comes, is what dvc writes and brings. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DVC, makeTwins, snapshot, type Twins } from "../support/twins.ts";

export const FILES: Record<string, string> = { "a.txt": "hello\n", "d/x": "1\n", "d/e/y z": "2\n", "d/e/ü": "3\r\n" };
const NEWER: Record<string, string> = { "a.txt": "hello again\n", "d/x": "11\n" };

export interface Server {
  put(path: string, text: string): Promise<void> | void;
  /** Of the place its files are below. */
  url: string;
  /** The same as `remote://…`, with these options. */
  options: Record<string, string>;
  env: Record<string, string>;
  hasFolders: boolean;
  stop(): Promise<void>;
}

export const folderPut = (root: string) => (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

export function urlsAsDvc(kind: string, isThere: boolean, start: () => Promise<Server>): void {
  describe.skipIf(DVC === null || !isThere)(`${kind}, as dvc does it`, { timeout: 900_000 }, () => {
    let server: Server;
    let twins: Twins;
    beforeAll(async () => {
      server = await start();
      for (const [path, text] of Object.entries(FILES)) await server.put(path, text);
      twins = makeTwins(server.env);
      twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
      twins.run(["remote", "add", "-q", "there", server.url]);
      for (const [key, value] of Object.entries(server.options)) twins.run(["remote", "modify", "-q", "--local", "there", key, value]);
      twins.each((repository) => repository.write(".dvc/config", repository.read(".dvc/config").replaceAll("../../", "../../")));
      twins.each((repository) => repository.commit("remotes"));
    });
    afterAll(() => server.stop());

    const places = () => ["a.txt", ...(server.hasFolders ? ["d/"] : [])].map((path) => `remote://there/${path}`);

    it("list-url, get-url", () => {
      for (const url of places()) {
        // dvc's lists are in the order the folder gives.
        for (const args of [["list-url"], ["list-url", "-R", "--size"], ["ls-url", "-R", "-L", "1"]]) {
          const { theirs, ours } = twins.run([...args, url]);
          expect([args, url, lines(ours.stdout)]).toEqual([args, url, lines(theirs.stdout)]);
        }
      }
      twins.same(["list-url", "-L", "0", "remote://there/a.txt"]);
      if (server.hasFolders) twins.same(["list-url", "--tree", "remote://there/d"]);
      twins.run(["list-url", "remote://there/nothing"]);
      for (const [index, url] of places().entries()) twins.run(["get-url", "-q", url, `got${index}`]);
      twins.run(["get-url", "-q", "remote://there/nothing", "got"]);
      twins.run(["get-url", "-q", places()[0] ?? "", "got0"]);
      agree(twins);
    });

    it("import-url, add --to-remote, add --out, update", async () => {
      const direct = Object.keys(server.options).length === 0 ? [`${server.url}/a.txt`] : [];
      for (const [index, url] of [...places(), ...direct].entries()) {
        twins.run(["import-url", "-q", url, `i${index}`]);
        if (index < places().length) {
          twins.run(["import-url", "-q", "--no-download", url, `n${index}`]);
          twins.run(["import-url", "-q", "--to-remote", url, `t${index}`]);
        }
        if (index === places().length - 1) {
          twins.run(["import-url", "-q", "--no-exec", url, `x${index}`]);
          twins.run(["add", "-q", "--to-remote", url, "-o", `o${index}`]);
          twins.run(["add", "-q", url, "-o", `c${index}`]);
          twins.run(["update", "-q", `i${index}.dvc`]);
        }
      }
      agree(twins);
      for (const [path, text] of Object.entries(NEWER)) await server.put(path, text);
      for (const index of places().keys()) {
        twins.run(["update", "-q", `i${index}.dvc`]);
        twins.run(["update", "-q", "--no-download", `n${index}.dvc`]);
        twins.run(["update", "-q", "--to-remote", `t${index}.dvc`]);
      }
      agree(twins);
      twins.run(["import-url", "-q", "remote://there/nothing", "none"]);
      twins.run(["import-url", "-q", "--to-remote", "--no-exec", "remote://there/a.txt", "none"]);
      twins.run(["import-url", "-q", "-r", "store", "remote://there/a.txt", "none"]);
      twins.run(["add", "-q", "-r", "store", "i0"]);
      for (const index of places().keys()) twins.run(["pull", "-q", `t${index}.dvc`]);
      agree(twins);
    });
  });
}

function lines(text: string): string[] {
  return text.trimEnd().split("\n").sort();
}

/** What dvc calls servers' folders; it leaves such listings, of no data, in its cache. */
const calledThere = new Set<string>();

/** dvc leaves temporary files behind too. */
function agree({ theirs, ours }: Twins): void {
  const [want, got] = [snapshot(theirs), snapshot(ours)];
  for (const text of Object.values(want.files as Record<string, string>))
    for (const [, shard, rest] of text.matchAll(/^- md5: (..)(.*\.dir)$/gm)) calledThere.add(`md5/${shard}/${rest}`);
  const isLeft = (name: string) => name.endsWith(".tmp") || (calledThere.has(name) && !(got.cache as string[]).includes(name));
  const without = (names: unknown) => (names as string[]).filter((name) => !isLeft(name));
  expect(got).toEqual({ ...want, cache: without(want.cache), store: without(want.store) });
}
