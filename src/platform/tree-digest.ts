/** Files and whole folders by names and bytes: one digest, or whether two are the same. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { lstatIfThere } from "./files.ts";
import { hashingFile, md5Of, md5OfFile } from "./hashing.ts";
import type { Work } from "./pace.ts";

/** One digest for a file, or for a folder with all that is in it. `known`: md5 of files that need not be read for it, by path below `path`. */
export function* digestingTree(path: string, known: ReadonlyMap<string, string> = new Map(), below = ""): Work<string> {
  const told = known.get(below);
  if (told !== undefined) {
    yield { files: 1, bytes: 0 };
    return told;
  }
  if (!statSync(path).isDirectory()) {
    const { md5 } = yield* hashingFile(path);
    yield { files: 1, bytes: 0 };
    return md5;
  }
  const digests: [name: string, digest: string][] = [];
  for (const name of readdirSync(path).sort())
    digests.push([name, yield* digestingTree(`${path}/${name}`, known, below === "" ? name : `${below}/${name}`)]);
  return md5Of(Buffer.from(JSON.stringify(digests)));
}

/** False when either is not there. Links are the same when they lead to the same place. */
export function sameTree(one: string, other: string): boolean {
  const [first, second] = [one, other].map(lstatIfThere);
  if (first === undefined || second === undefined) return false;
  if (first.isSymbolicLink() || second.isSymbolicLink())
    return first.isSymbolicLink() && second.isSymbolicLink() && readlinkSync(one) === readlinkSync(other);
  if (first.isDirectory() !== second.isDirectory()) return false;
  if (!first.isDirectory())
    return first.isFile() && second.isFile() && first.size === second.size && md5OfFile(one).md5 === md5OfFile(other).md5;
  const [names, others] = [readdirSync(one).sort(), readdirSync(other).sort()];
  return (
    names.length === others.length && names.every((name, index) => name === others[index] && sameTree(join(one, name), join(other, name)))
  );
}
