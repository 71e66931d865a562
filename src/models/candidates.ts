/** The candidates folder: `RUN_NAME` belongs to a run, everything else in it to nobody. */
import { absolutePath, storedPath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import type { Work } from "../platform/pace.ts";
import { listingHash, renderListing } from "../store/objects/listing.ts";
import type { ListingEntry } from "../store/types.ts";
import { scanOutput } from "../store/worktree/scan.ts";
import { isHere } from "../store/worktree/status.ts";
import type { Candidate } from "./types.ts";

export interface CandidatesFolder {
  /** From the top, with `/`. */
  path: string;
  candidates: Candidate[];
  /** What belongs to nobody: left alone by everything. From the top. */
  strays: string[];
}

/** Two words and four digits: the form of run ids and of xetrack's track ids. */
const RUN_NAME = /^[a-z]+-[a-z]+-\d{4}$/;

/** `owned`: which of these are ids of runs, or of tracks that no run owns. */
export function* readingCandidates(project: Project, owned: (ids: readonly string[]) => ReadonlySet<string>): Work<CandidatesFolder> {
  const path = storedPath(project, project.config.models.candidates);
  const folder: CandidatesFolder = { path, candidates: [], strays: [] };
  const absolute = absolutePath(project, path);
  if (!isHere(absolute)) return folder;
  const { files } = yield* scanOutput(project, absolute);
  const items = new Map<string, typeof files>();
  for (const file of files) {
    const item = file.relpath.split("/")[0] ?? "";
    if (isBookkeeping(item)) continue;
    const members = items.get(item);
    if (members === undefined) items.set(item, [file]);
    else members.push(file);
  }
  const owners = owned([...items.keys()].flatMap(idsIn));
  for (const [item, members] of items) {
    const owner = ownerOf(item, (id) => owners.has(id));
    if (owner === null) folder.strays.push(`${path}/${item}`);
    else {
      const size = members.reduce((sum, { stat }) => sum + stat.size, 0);
      const md5s = members.map(({ md5 }) => md5);
      const name = item.slice(owner.length + 1);
      folder.candidates.push({ run: owner, name, path: `${path}/${item}`, hash: hashOfItem(item, members), size, md5s });
    }
  }
  return folder;
}

/** Pointers and ignore files that somebody made inside the folder. */
function isBookkeeping(item: string): boolean {
  return item === ".gitignore" || item.endsWith(".dvc");
}

/** Files and folders of the candidates folder that a listing of it names, each with what a pointer to it alone would say. */
export function itemsOf(entries: readonly ListingEntry[]): Map<string, { hash: string }> {
  const members = new Map<string, ListingEntry[]>();
  for (const entry of entries) {
    const item = entry.relpath.split("/")[0] ?? "";
    const known = members.get(item);
    if (known === undefined) members.set(item, [entry]);
    else known.push(entry);
  }
  return new Map([...members].map(([item, own]) => [item, { hash: hashOfItem(item, own) }]));
}

/** What a pointer to it alone would say; `members`: the file itself, or all below the folder. */
export function hashOfItem(item: string, members: readonly ListingEntry[]): string {
  const [only] = members;
  if (members.length === 1 && only?.relpath === item) return only.md5;
  return listingHash(renderListing(members.map(({ relpath, md5 }) => ({ relpath: relpath.slice(item.length + 1), md5 }))));
}

/** An id may contain `_` itself, so every place is tried; the longest wins. */
export function ownerOf(item: string, owns: (id: string) => boolean): string | null {
  const ids = idsIn(item);
  return ids.find((id) => owns(id)) ?? ids.find((id) => RUN_NAME.test(id)) ?? null;
}

function idsIn(item: string): string[] {
  return [...item.matchAll(/_/g)].map(({ index }) => item.slice(0, index)).reverse();
}
