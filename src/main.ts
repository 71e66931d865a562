#!/usr/bin/env node
/** Entry point: loads what the command uses of the program, and owns the only exit. */
import { join } from "node:path";
import { type BundleParts, loadBundle } from "./platform/compiled-code.ts";
import { VERSION } from "./platform/version.ts";

declare const __EXPVER_PROGRAM__: BundleParts;

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${VERSION}\n`);
} else {
  const words = argv.slice(0, 2).filter((word) => /^[a-z][a-z-]*$/.test(word));
  const bundle = loadBundle(join(import.meta.dirname, "program.cjs"), __EXPVER_PROGRAM__, words.join("-"));
  const { run } = bundle as typeof import("./program.ts");
  // What it stays when nothing is left to wait for and no answer has come.
  process.exitCode = 1;
  // With nothing left to wait for, Node would give back its memory piece by piece.
  process.once("beforeExit", () => process.exit());
  void run(argv).then((code) => {
    process.exitCode = code;
  });
}
