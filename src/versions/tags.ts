/** The tags that begin like a version's, from Git or, what they say, from memory. */
import { gitResult, type Repository } from "../git/git.ts";
import { readMessage } from "./message.ts";
import { unpublishedRef } from "./published.ts";
import { type KnownTag, readTagIndex, saveTagIndex, type TagFacts } from "./tag-index.ts";
import { UNRECORDED } from "./trailers.ts";
import type { VersionMessage } from "./types.ts";

export interface Tag extends KnownTag {
  name: string;
  /** A tag object, or a commit. */
  object: string;
}

interface Tags {
  tags: Tag[];
  /** Objects by name of tag. */
  unpublished: Map<string, string>;
}

/** Fewer than so many are read anew each time, rather than remembered. */
const MANY = 100;
const UNPUBLISHED = unpublishedRef("");
/** An object that stands for another: then nothing is remembered by an object's name. */
const REPLACED = "refs/replace/";

/** One git process; a second one when a few tags are newer than what is remembered. */
export function readTags(repository: Repository, { stateDir, prefix }: { stateDir: string; prefix: string }): Tags {
  const patterns = [`refs/tags/${prefix}[0-9]*`, UNPUBLISHED, REPLACED];
  const known = readTagIndex(stateDir);
  const remembered = known && rememberedTags(repository, patterns, known);
  if (remembered) return remembered;
  const { tags, unpublished, isReplaced } = sortRefs(forEachRef(repository, FIELDS, patterns).map(tagRecord));
  const read = tags.map(tagOf);
  if (read.length >= MANY && !isReplaced) saveTagIndex(stateDir, read);
  return { tags: read, unpublished };
}

/** Null when so much is unknown that all may be read anew. */
function rememberedTags(repository: Repository, patterns: string[], known: ReadonlyMap<string, KnownTag>): Tags | null {
  const { tags, unpublished, isReplaced } = sortRefs(
    forEachRef(repository, ["refname", "objectname"], patterns).map(([ref = "", object = ""]) => ({
      ref: String(ref),
      object: String(object),
    })),
  );
  const fresh = tags.filter(({ object }) => !known.has(object)).map(({ ref }) => ref);
  if (isReplaced || fresh.length >= MANY) return null;
  const read = new Map(
    fresh.length === 0 ? [] : forEachRef(repository, FIELDS, fresh).map((fields) => [String(fields[0]), tagOf(tagRecord(fields))]),
  );
  return {
    tags: tags.flatMap(({ ref, object }) => {
      const found = known.get(object);
      return found === undefined ? (read.get(ref) ?? []) : [{ name: nameOf(ref), object, commit: found.commit, facts: found.facts }];
    }),
    unpublished,
  };
}

interface Ref {
  ref: string;
  object: string;
}

/** The markers of unpublished versions are read along with the tags. */
function sortRefs<R extends Ref>(refs: readonly R[]): { tags: R[]; unpublished: Map<string, string>; isReplaced: boolean } {
  const begins = (start: string) => refs.filter(({ ref }) => ref.startsWith(start));
  return {
    tags: begins("refs/tags/"),
    unpublished: new Map(begins(UNPUBLISHED).map(({ ref, object }) => [ref.slice(UNPUBLISHED.length), object])),
    isReplaced: begins(REPLACED).length > 0,
  };
}

function nameOf(ref: string): string {
  return ref.slice("refs/tags/".length);
}

const FIELDS = [
  "refname",
  "objectname",
  "objecttype",
  "*objectname",
  "*objecttype",
  "*object",
  "*type",
  "taggername",
  "taggeremail",
  "taggerdate:iso8601-strict",
  "committerdate:iso8601-strict",
  "*committerdate:iso8601-strict",
  "contents",
];

interface TagRecord extends Ref {
  type: string;
  target: string;
  targetType: string;
  /** What the target points to, when it is a tag itself. */
  nested: string;
  nestedType: string;
  tagger: string;
  taggerDate: string;
  commitDate: string;
  targetDate: string;
  contents: Buffer;
}

function tagRecord(fields: readonly Buffer[]): TagRecord {
  const [ref = "", object = "", type = "", target = "", targetType = "", nested = "", nestedType = "", ...rest] = fields
    .slice(0, -1)
    .map((field) => field.toString("utf8"));
  const [taggerName = "", taggerEmail = "", taggerDate = "", commitDate = "", targetDate = ""] = rest;
  const tagger = `${taggerName} ${taggerEmail}`.trim();
  const contents = fields.at(-1) ?? Buffer.alloc(0);
  return { ref, object, type, target, targetType, nested, nestedType, tagger, taggerDate, commitDate, targetDate, contents };
}

function tagOf(record: TagRecord): Tag {
  const { ref, object } = record;
  return { name: nameOf(ref), object, commit: commitOf(record), facts: () => factsOf(record) };
}

/** A tag may tag a tag (git makes that from `git tag -a NEW OLD`): followed twice, which is as far as one reading of the refs sees. */
function commitOf({ type, object, targetType, target, nestedType, nested }: TagRecord): string {
  if (type === "commit") return object;
  if (targetType === "commit") return target;
  return targetType === "tag" && nestedType === "commit" ? nested : "";
}

function factsOf(record: TagRecord): TagFacts {
  const { type, object, targetType, nestedType, tagger, taggerDate, targetDate, commitDate, contents } = record;
  const problems: string[] = [];
  if (commitOf(record) === "") {
    const what = type === "tag" ? nestedType || targetType || "nothing" : type;
    problems.push(`the tag points to a ${what}, not to a commit`);
  }
  const text = decode(contents, problems);
  const annotated = type === "tag";
  const read = annotated ? readMessage(text) : { message: subjectOnly(text), problems: [] };
  return {
    tagObject: annotated ? object : null,
    tagger: annotated && tagger !== "" ? tagger : null,
    date: annotated ? taggerDate || targetDate : commitDate,
    committed: annotated ? targetDate || taggerDate : commitDate,
    message: read.message,
    problems: [...problems, ...read.problems],
  };
}

/** A lightweight tag says nothing; its commit's subject is better than nothing. */
function subjectOnly(text: string): VersionMessage {
  return { headline: [], description: (text.split("\n", 1)[0] ?? "").trim(), body: "", ...UNRECORDED };
}

function decode(bytes: Buffer, problems: string[]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    problems.push("the message is not valid UTF-8; unreadable bytes are shown as \ufffd");
    return bytes.toString("utf8");
  }
}

/** One record per ref: as many NUL-ended fields as asked for, then a newline. */
function forEachRef(repository: Repository, names: readonly string[], patterns: readonly string[]): Buffer[][] {
  const format = `${names.map((name) => `%(${name})`).join("%00")}%00`;
  const output = gitResult(repository, ["for-each-ref", `--format=${format}`, ...patterns]).stdout;
  const records: Buffer[][] = [];
  for (let at = 0; at < output.length; at += 1) {
    const fields: Buffer[] = [];
    while (fields.length < names.length) {
      const end = output.indexOf(0, at);
      if (end < 0) return records;
      fields.push(output.subarray(at, end));
      at = end + 1;
    }
    records.push(fields);
  }
  return records;
}
