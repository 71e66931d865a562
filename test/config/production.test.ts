/** The production model that `expver.yaml` does not name. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { readConfig } from "../../src/config/project.ts";
import { makeFolder } from "../support/repository.ts";

function productionWith(files: Record<string, string>): string {
  const root = makeFolder("production");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return readConfig({ root, repository: null, dvcRoot: null, stateDir: "", cwd: root }).models.production;
}

it("is the only thing that is tracked in its folder, else it is called like what a run leaves", () => {
  expect(productionWith({})).toBe("models/production/model.bin");
  expect(productionWith({ "models/production/bert.dvc": "" })).toBe("models/production/bert");
  expect(productionWith({ "models/production/a.pt.dvc": "", "models/production/b.pt.dvc": "" })).toBe("models/production/model.bin");
  expect(productionWith({ "models/production/untracked.pt": "", "models/production/.dvc/config": "" })).toBe("models/production/model.bin");
  expect(productionWith({ "expver.yaml": "models: { output: out/m.onnx }" })).toBe("models/production/m.onnx");
});

it("is never what expver.yaml does not say", () => {
  const named = { "expver.yaml": "models: { production: best/model.pt }", "models/production/a.pt.dvc": "", "best/b.pt.dvc": "" };
  expect(productionWith(named)).toBe("best/model.pt");
  const usual = { "expver.yaml": "models: { production: models/production/model.bin }", "models/production/a.pt.dvc": "" };
  expect(productionWith(usual)).toBe("models/production/model.bin");
});
