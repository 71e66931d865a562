/** `expver advise description`: the line a version should have, and a text drawn from what really changed. */
import { openProject } from "../../config/project.ts";
import { shellWord } from "../../platform/shell-word.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { changesText } from "../describe/changes.ts";
import type { DataChanges } from "../describe/data-changes.ts";
import { diff, type VersionsDiff } from "../diff.ts";
import { textIn } from "../input.ts";
import { show } from "../show.ts";
import { type SinceLast, sinceLastVersion } from "./since-last.ts";

export interface DescriptionAdvice {
  /** Null: what is in the worktree now. */
  version: string | null;
  /** What it is compared with; null for the first. */
  against: string | null;
  description: string;
  /** Which of the five parts a line should have it has, and their values: model, parameter, metric, data, text. */
  parts: Record<"model" | "parameter" | "metric" | "data" | "text", string | null>;
  commands: string[];
}

export const adviseDescription: ReadWorkflow<Input, DescriptionAdvice> = {
  async read(context, input) {
    const version = textIn(input.version) ?? null;
    const project = openProject(context);
    if (version === null) {
      const since = await sinceLastVersion(project, context);
      const description = describeChanges(since);
      const message = shellWord(description === "" ? "what it tries" : description);
      const parts = { model: null, parameter: since.params[0]?.name ?? null, metric: null, data: null, text: description || null };
      return { version, against: since.last, description, parts, commands: [`expver run -m ${message} -- COMMAND`] };
    }
    const shown = await show.read(context, { version });
    const against = previousOf(
      shown.version,
      (await (await import("../list.ts")).list.read(context, { all: true, sort: "version" })).versions,
    );
    const compared = against === null ? null : await diff.read(context, { version: [against, shown.version] });
    const description =
      compared === null
        ? "first version"
        : changesText({
            params: compared.params
              .filter(({ differs }) => differs)
              .map(({ name, values: [before, now] }) => ({ name, before: before ?? null, now: now ?? null })),
            ...dataBetween(compared),
            code: compared.code.flatMap(({ files }) => files.map(({ path }) => path)),
          });
    const pairs = new Map(headPairs(shown.line));
    const metric = shown.metrics[0];
    const parameter = Object.entries(shown.params)[0];
    return {
      version: shown.version,
      against,
      description,
      parts: {
        model: pairs.get("model") ?? null,
        parameter: parameter === undefined ? null : `${parameter[0]}=${parameter[1]}`,
        metric: metric === undefined ? null : `${metric.name}=${metric.value}`,
        data: shown.dataHash?.slice(0, 6) ?? null,
        text: shown.description || null,
      },
      commands: [],
    };
  },
};

/** For what has no numbers yet; empty when nothing differs. */
export function describeChanges({ last, params, data, goneData: gone, code }: SinceLast): string {
  return last === null ? "first version" : changesText({ params, data, renamed: [], gone, code });
}

function dataBetween({ artifacts }: Pick<VersionsDiff, "artifacts">): DataChanges {
  const differing = artifacts.filter(({ role, differs }) => role === "data" && differs);
  const sides = differing.map(({ path, values: [old, now] }) => ({ path, old: old ?? null, now: now ?? null }));
  return {
    data: sides.flatMap(({ path, old, now }) => (now !== null && old?.hash !== now.hash ? [path] : [])),
    renamed: sides.flatMap(({ old, now }) => (old !== null && old.hash === now?.hash ? [{ from: old.path, to: now.path }] : [])),
    gone: sides.flatMap(({ path, now }) => (now === null ? [path] : [])),
  };
}

function previousOf(version: string, versions: readonly { version: string }[]): string | null {
  const names = versions.map((one) => one.version);
  const at = names.indexOf(version);
  return at < 0 ? null : (names[at + 1] ?? null);
}

function headPairs(line: string): [string, string][] {
  return line.split(" | ").flatMap((part) => {
    const at = part.indexOf("=");
    return at < 0 ? [] : [[part.slice(0, at), part.slice(at + 1)]];
  });
}
