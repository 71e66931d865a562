/** `data …`: commands that read other repositories and places. */
import type { ArgumentSpec, Command, OptionSpec } from "../contract.ts";

const URL: ArgumentSpec = { name: "URL", help: "folder of a Git or DVC repository, or a Git URL", required: true };
const REV: OptionSpec = { flags: "--rev [commit]", help: "commit, branch or tag there; default: as it stands, or HEAD of a Git URL" };
const FOREIGN: OptionSpec[] = [
  { flags: "--remote <name>", help: "remote there to read from, instead of the default one" },
  { flags: "--config <file>", help: "DVC configuration to go by before the one there" },
  { flags: "--remote-config [option...]", help: "options of that remote for this time, each KEY=VALUE" },
];
const JOBS: OptionSpec = { flags: "-j, --jobs <number>", help: "connections at once" };
const OUT: OptionSpec = { flags: "-o, --out [path]", help: "name here; default: the same name; a folder means inside it" };

const NOT_YET_HERE: OptionSpec[] = [
  { flags: "--no-exec", help: "only write the pointer; look at nothing" },
  { flags: "--no-download", help: "only write the pointer, with the version that is there" },
];
const FS_CONFIG: OptionSpec = { flags: "--fs-config [option...]", help: "options of a remote for this place, each KEY=VALUE" };
const TO_REMOTE: OptionSpec[] = [
  { flags: "--to-remote", help: "copy the bytes to a remote instead of here" },
  { flags: "-r, --remote <name>", help: "with --to-remote: that remote instead of the default one", completes: "remote" },
];
const PLACE: ArgumentSpec = {
  name: "URL",
  help: "path, or http(s)://, s3://, ssh://, webdav(s)://, or remote://NAME/PATH for what lies on a remote",
  required: true,
};

export const DATA_SOURCES: Command[] = [
  {
    name: "data list",
    aliases: ["data ls"],
    summary: "List what a repository holds: Git's files and DVC's outputs",
    group: "data",
    arguments: [URL, { name: "PATH", help: "folder or file there" }],
    options: [
      { flags: "-R, --recursive", help: "every file, however deep" },
      { flags: "-T, --tree", help: "as a tree" },
      { flags: "-L, --level <depth>", help: "no deeper than this" },
      { flags: "--dvc-only", help: "outputs of DVC only" },
      { flags: "--size", help: "sizes too" },
      { flags: "--show-hash", help: "hashes too" },
      { flags: "--json", help: "in dvc's JSON" },
      REV,
      ...FOREIGN,
    ],
    examples: [
      ["data list . --dvc-only -R", "every tracked file, checked out or not"],
      ["data list https://example.com/team/data.git --rev v1 --json", "of another repository, in dvc's JSON"],
    ],
    kind: "read",
    bareJson: true,
    failureExit: 1,
    load: async () => (await import("../data/sources/list.ts")).dataList,
    render: "data list",
  },
  {
    name: "data list-url",
    aliases: ["data ls-url"],
    summary: "List what is in somebody's folder, by path or URL",
    group: "data",
    arguments: [PLACE],
    options: [
      { flags: "-R, --recursive", help: "every file, however deep" },
      { flags: "-T, --tree", help: "as a tree" },
      { flags: "-L, --level <depth>", help: "no deeper than this" },
      { flags: "--size", help: "sizes too" },
      FS_CONFIG,
    ],
    examples: [["data list-url -R --size s3://bucket/folder", "what `data import-url` would bring"]],
    kind: "read",
    bareJson: true,
    failureExit: 255,
    load: async () => (await import("../data/sources/list-url.ts")).dataListUrl,
    render: "data list",
  },
  {
    name: "data du",
    summary: "Show how many bytes a repository holds, folder by folder, checked out or not",
    group: "data",
    arguments: [URL, { name: "PATH", help: "folder or file there" }],
    options: [{ flags: "-s, --summarize", help: "only the sum" }, REV, ...FOREIGN],
    examples: [
      ["data du .", "Git's files and DVC's outputs; pointers are not counted"],
      ["data du . data --rev v1", "of another time: nothing has to be here but the pointers"],
    ],
    kind: "read",
    failureExit: 255,
    load: async () => (await import("../data/sources/du.ts")).dataDu,
    render: "data du",
  },
  {
    name: "data get",
    summary: "Copy a file or folder out of a repository, without tracking it",
    group: "data",
    arguments: [URL, { name: "PATH", help: "file or folder there", required: true }],
    options: [
      OUT,
      REV,
      { flags: "-f, --force", help: "replace what has that name here" },
      { flags: "--show-url", help: "print where the bytes are stored, and get nothing" },
      ...FOREIGN,
      JOBS,
    ],
    examples: [
      ["data get . models/model.bin --rev e0.1.0 -o old.bin", "a file of an old version"],
      ["data get https://example.com/team/data.git train", "a folder of another repository"],
    ],
    kind: "write",
    failureExit: 1,
    load: async () => (await import("../data/sources/get.ts")).dataGet,
    render: "data get",
  },
  {
    name: "data get-url",
    summary: "Copy a file or folder from a path or URL, without tracking it",
    group: "data",
    arguments: [PLACE, { name: "OUT", help: "name here; default: the same name; a folder means inside it" }],
    options: [{ flags: "-f, --force", help: "replace what has that name here" }, JOBS, FS_CONFIG],
    examples: [
      ["data get-url /mnt/share/train.csv", "a copy of it in this folder"],
      ["data get-url s3://bucket/folder data", "everything below `folder`, as `data`"],
    ],
    kind: "write",
    failureExit: 1,
    load: async () => (await import("../data/sources/get-url.ts")).dataGetUrl,
    render: "data get",
  },
  {
    name: "data import",
    summary: "Copy a file or folder out of a repository, and track it with where it came from",
    group: "data",
    arguments: [URL, { name: "PATH", help: "file or folder there", required: true }],
    options: [OUT, REV, { flags: "-f, --force", help: "replace what has that name here" }, ...NOT_YET_HERE, ...FOREIGN, JOBS],
    examples: [["data import https://example.com/team/data.git train --rev v1", "writes train.dvc; `data update` takes a newer version"]],
    kind: "write",
    failureExit: 1,
    load: async () => (await import("../data/sources/import.ts")).dataImport,
    render: "data import",
  },
  {
    name: "data import-url",
    summary: "Copy a file or folder from a path or URL, and track it with where it came from",
    group: "data",
    arguments: [PLACE, { name: "OUT", help: "name here; default: the same name; a folder means inside it" }],
    options: [
      { flags: "-f, --force", help: "replace what has that name here" },
      ...NOT_YET_HERE,
      ...TO_REMOTE,
      { flags: "--version-aware", help: "keep the data where it is, in a bucket that keeps versions, and name the version taken" },
      FS_CONFIG,
      JOBS,
    ],
    examples: [
      ["data import-url /mnt/share/train.csv", "writes train.csv.dvc; `data update` takes what is there later"],
      ["data import-url --to-remote s3://bucket/huge", "into our own remote, without room for it here; `data pull` brings it"],
    ],
    kind: "write",
    failureExit: 1,
    load: async () => (await import("../data/sources/import.ts")).dataImportUrl,
    render: "data import",
  },
  {
    name: "data update",
    summary: "Take what the source of an import holds now",
    group: "data",
    arguments: [{ name: "TARGET", help: ".dvc file or output of an import", required: true, variadic: true }],
    options: [
      { flags: "--rev [commit]", help: "take that revision, and stay with it; of an import by version, that version" },
      { flags: "-R, --recursive", help: "a folder means every import in it" },
      { flags: "--no-download", help: "note the new version only; the data here goes" },
      ...TO_REMOTE,
      JOBS,
    ],
    examples: [["data update train.dvc --rev v2", "the data of v2, and v2 in train.dvc"]],
    kind: "write",
    failureExit: 1,
    load: async () => (await import("../data/sources/update.ts")).dataUpdate,
    render: "data update",
  },
];
