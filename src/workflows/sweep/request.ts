/** What was typed after `expver sweep`, checked. */
import { relative, resolve, sep } from "node:path";
import { isSecretKey } from "../../config/secrets.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import type { Input } from "../contract.ts";
import { countOf, textIn, wordsOf } from "../input.ts";
import { parseGiven } from "../run/parameters/parameters.ts";
import { expand, type Space } from "./settings/expand.ts";
import { gridValues, partsOf } from "./settings/grid-values.ts";
import { parseRange } from "./settings/ranges.ts";
import { readSettings } from "./settings/settings-file.ts";
import { readSweepSection, type SweepSection } from "./settings/sweep-section.ts";

export interface SweepRequest {
  message: string | null;
  /** Of every run. */
  params: Record<string, string>;
  /** What each run sets. */
  jobs: Record<string, string>[];
  /** As typed. */
  metrics: string | null;
  /** Absolute; null: the project's. */
  paramsFile: string | null;
  repeat: number;
  ending: EndingRequest;
}

/** What is to be done once the runs are over. */
export interface EndingRequest {
  tag: boolean;
  promote: boolean;
  publish: boolean;
  /** Null: as many as expver.yaml says. */
  keep: number | null;
  metric: string | null;
}

/** How the runs are executed: may be other at each resumption. */
export interface Pace {
  jobs: number;
  failFast: boolean;
  /** Null: as long as it takes. */
  limitSeconds: number | null;
  retry: number;
  link: boolean;
}

/** Throws E_USAGE, E_CONFIG and E_IO for what cannot be read. */
export function readSweepRequest(context: Context, input: Input): SweepRequest {
  const space = spaceOf(context, input);
  const jobs = expand(space);
  const params = parseGiven(wordsOf(input.param));
  const names = new Set(jobs.flatMap((settings) => Object.keys(settings)));
  for (const name of [...names, ...Object.keys(params)]) refuseSecret(name);
  const double = Object.keys(params).find((name) => names.has(name));
  if (double !== undefined) throw new ExpverError("E_USAGE", `${double} is set by --param and by the sweep`, { details: { name: double } });
  const paramsFile = textIn(input.params);
  return {
    message: textIn(input.message) ?? null,
    params,
    jobs,
    metrics: textIn(input.metrics) ?? null,
    paramsFile: paramsFile === undefined ? null : resolve(context.cwd, paramsFile),
    repeat: space.repeat,
    ending: {
      tag: input.tag !== false,
      promote: input.promote !== false,
      publish: input.publish === true,
      keep: input.keep === undefined ? null : countOf(input.keep, "--keep"),
      metric: textIn(input.metric) ?? null,
    },
  };
}

/** Throws E_USAGE. */
export function readPace(input: Input): Pace {
  if (input.failFast === true && input.keepGoing === true)
    throw new ExpverError("E_USAGE", "--fail-fast and --keep-going exclude each other");
  const jobs = input.jobs === undefined ? 1 : countOf(input.jobs, "--jobs");
  if (jobs === 0) throw new ExpverError("E_USAGE", "--jobs takes a number from 1 on");
  return {
    jobs,
    failFast: input.failFast === true,
    limitSeconds: input.timeLimit === undefined ? null : secondsOf(textIn(input.timeLimit) ?? ""),
    retry: input.retry === undefined ? 0 : countOf(input.retry, "--retry"),
    link: input.link === true,
  };
}

/** `90s`, `10m`, `1.5h`, `2d`, or seconds. Throws E_USAGE. */
function secondsOf(text: string): number {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|h|d)?$/.exec(text.trim()) ?? [];
  const seconds = number === "" ? Number.NaN : Number(number) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as "s" | "m" | "h" | "d"];
  if (seconds > 0) return seconds;
  throw new ExpverError("E_USAGE", `--time-limit takes a time such as 90s, 10m or 2h, not ${JSON.stringify(text)}`, {
    details: { received: text },
  });
}

/** The project's parameter file as another one was named. Throws E_OUTSIDE. */
export function paramsIn(root: string, file: string): string {
  const inside = relative(root, file).split(sep).join("/");
  if (!inside.startsWith("../")) return inside;
  throw new ExpverError("E_OUTSIDE", `--params: ${file} is not inside ${root}`, { details: { path: file } });
}

function spaceOf(context: Context, input: Input): Space {
  const list = textIn(input.list);
  const typedGrid = wordsOf(input.grid).map(gridOf);
  const typedRanges = Object.entries(parseGiven(wordsOf(input.range), { option: "--range ", example: "--range lr=log:1e-4..1e-1" }));
  // What is typed wins over what the file says of the same name.
  const typed = new Set([...typedGrid, ...typedRanges].map(([name]) => name));
  const from = sectionIn(context, input);
  const ranges = [
    ...from.ranges.filter(([name]) => !typed.has(name)),
    ...typedRanges.map(([name, text]): Space["ranges"][number] => [name, parseRange(name, text)]),
  ];
  const random = input.random ?? from.random;
  const samples = random === undefined ? null : countOf(random, "--random");
  if ((samples ?? 0) > 0 !== ranges.length > 0) {
    throw new ExpverError(
      "E_USAGE",
      ranges.length > 0 ? "--range needs --random N: how many samples to draw" : "--random needs ranges to draw from",
      {
        hint: "--random 20 --range lr=log:1e-4..1e-1 --range depth=int:2..10",
      },
    );
  }
  const repeat = repeatOf(input, from);
  const seed = textIn(input.seed) ?? from.seed ?? "0";
  if (repeat > 1 && !/^-?\d{1,18}$/.test(seed))
    throw new ExpverError("E_USAGE", `--repeat counts on from --seed: ${seed} is no whole number`);
  return {
    grid: [...from.grid.filter(([name]) => !typed.has(name)), ...typedGrid],
    list: list === undefined ? from.list : readSettings(resolve(context.cwd, list), list),
    ranges,
    samples: samples ?? 0,
    seed,
    repeat,
  };
}

function gridOf(text: string): [string, string[]] {
  const [[name, values] = ["", ""]] = Object.entries(parseGiven([text], { option: "--grid ", example: "--grid lr=0.1,0.01" }));
  const texts = partsOf(values);
  // A comma too many, or a shell's variable that was empty, would be a run with no value. Files can say an empty one.
  if (texts.includes(""))
    throw new ExpverError("E_USAGE", `--grid ${text} has an empty value`, {
      hint: `Leave it out; if it is meant: --from FILE with sweep: { grid: { ${name}: ["", 1] } }`,
      details: { name, received: values },
    });
  return [name, gridValues(name, texts)];
}

function sectionIn(context: Context, { from }: Input): SweepSection {
  const file = textIn(from);
  return file === undefined ? { grid: [], list: [], ranges: [] } : readSweepSection(resolve(context.cwd, file), file);
}

function repeatOf(input: Input, from: SweepSection): number {
  const asked = input.repeat ?? from.repeat;
  const repeat = asked === undefined ? 1 : countOf(asked, "--repeat");
  if (repeat > 0) return repeat;
  throw new ExpverError("E_USAGE", "--repeat takes a number from 1 on");
}

/** They would stand in the journal of the sweep, so that it can be resumed. */
function refuseSecret(name: string): void {
  if (!isSecretKey(name)) return;
  throw new ExpverError("E_USAGE", `${name} looks like a secret, and settings of a sweep are written down`, {
    hint: "Give secrets to the program in its environment.",
    details: { name },
  });
}
