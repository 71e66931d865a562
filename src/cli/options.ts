/** All options one command understands. */
import type { Command, OptionSpec } from "../workflows/contract.ts";
import { EVERYWHERE, OF_DVC, OF_WRITERS } from "./face.ts";

/** A command's own options, then those every command has unless its own take the same flag. */
export function optionsOf(command: Command): OptionSpec[] {
  const own = command.options ?? [];
  const taken = new Set(own.flatMap(({ flags }) => flagNames(flags)));
  const faces = [
    ...(command.kind === "write" ? OF_WRITERS : []),
    ...(command.dialect === "dvc" ? OF_DVC : []),
    ...EVERYWHERE.filter(({ flags }) => !flags.includes("--help")),
  ];
  return [...own, ...faces.flatMap((option) => withoutTaken(option, taken))];
}

export function flagNames(flags: string): string[] {
  return flags.split(/[ ,|]+/).filter((part) => part.startsWith("-"));
}

/** Drops the flags of an option that the command's own options already use. */
function withoutTaken(option: OptionSpec, taken: ReadonlySet<string>): OptionSpec[] {
  const names = flagNames(option.flags);
  const free = names.filter((flag) => !taken.has(flag));
  if (free.length === 0 || names.some((flag) => flag.startsWith("--") && taken.has(flag))) return [];
  const value = option.flags.match(/<.*>/)?.[0];
  return [{ ...option, flags: `${free.join(", ")}${value ? ` ${value}` : ""}` }];
}
