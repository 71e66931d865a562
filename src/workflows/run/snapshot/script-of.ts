/** What tells the programs of commands apart, whatever their settings. */
import { basename, relative, resolve } from "node:path";
import { isFile } from "../../../platform/files.ts";

const INTERPRETER = /^(?:python|pypy|node|ruby|perl|julia|Rscript|(?:ba|da|k|z)?sh)[\d.]*(?:\.exe)?$/;

/**
 * The first file that a command names, from `top`: of `python train.py --lr 0.1` it is `train.py`; where it names none, its first word that is
 * neither interpreter nor option: `train` of `python -m train`.
 */
export function scriptOf(argv: readonly string[], { cwd, top }: { cwd: string; top: string }): string {
  const [program = "", ...rest] = argv;
  const isOwn = program.includes("/") && !INTERPRETER.test(basename(program));
  const file = (isOwn ? argv : rest).map((word) => resolve(cwd, word)).find(isFile);
  if (file !== undefined) return relative(top, file);
  const words = INTERPRETER.test(basename(program)) ? rest : argv;
  return words.find((word) => !word.startsWith("-")) ?? program;
}
