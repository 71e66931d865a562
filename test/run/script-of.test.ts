/** Which program a command runs, whatever its settings. */
import { expect, it } from "vitest";
import { scriptOf } from "../../src/workflows/run/program/script-of.ts";
import { makeFolder } from "../support/repository.ts";
import { writeTree } from "../support/trees.ts";

const top = makeFolder("scripts");
writeTree(top, {
  "train.py": "",
  "sub/eval.py": "",
  "train.sh": "",
  "venv/bin/python3.11": "",
  "venv/bin/torchrun": "",
  "conf/a.yaml": "",
});

it.each([
  ["python train.py --lr 0.1", ".", "train.py"],
  ["venv/bin/python3.11 -u train.py conf/a.yaml", ".", "train.py"],
  ["python ../train.py", "sub", "train.py"],
  ["python eval.py", "sub", "sub/eval.py"],
  ["./train.sh conf/a.yaml", ".", "train.sh"],
  ["python -m package.train lr=1", ".", "package.train"],
  ["env LR=1 venv/bin/python3.11 train.py", ".", "train.py"],
  ["venv/bin/torchrun --nproc_per_node 2 train.py", ".", "train.py"],
  ["python /etc/passwd", ".", "/etc/passwd"],
  ["torchrun --nproc_per_node 2 train.py", ".", "train.py"],
  ["dvc repro", ".", "dvc"],
  ["true", ".", "true"],
  ["python", ".", "python"],
])("of `%s` in %s it is %s", (command, folder, expected) => {
  expect(scriptOf(command.split(" "), { cwd: `${top}/${folder}`, top })).toBe(expected);
});
