/** What tells the programs of commands apart, whatever their settings. */
import { basename, dirname, relative, resolve } from "node:path";
import { isWithin } from "../../../config/paths.ts";
import { isFile } from "../../../platform/files.ts";

const INTERPRETER = /^(?:python|pypy|node|ruby|perl|julia|Rscript|(?:ba|da|k|z)?sh)[\d.]*(?:\.exe)?$/;
/** Of an environment in the project: what it has there starts any program. */
const FOLDER_OF_TOOLS = /^\.?bin$/;

/**
 * The first file of the repository that a command names, from `top`: of `python train.py --lr 0.1` it is `train.py`; where it names none, its
 * first word that is neither interpreter nor option: `train` of `python -m train`.
 */
export function scriptOf(argv: readonly string[], { cwd, top }: { cwd: string; top: string }): string {
  const [program = "", ...rest] = argv;
  const paths = (program.includes("/") ? argv : rest).map((word) => resolve(cwd, word));
  const file = paths.find((path) => isWithin(path, top) && !isTool(path) && isFile(path));
  if (file !== undefined) return relative(top, file);
  const words = INTERPRETER.test(basename(program)) ? rest : argv;
  return words.find((word) => !word.startsWith("-")) ?? program;
}

function isTool(path: string): boolean {
  return INTERPRETER.test(basename(path)) || FOLDER_OF_TOOLS.test(basename(dirname(path)));
}
