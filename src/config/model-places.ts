/** Where models are, in stored form. */
import { dirname } from "node:path/posix";
import { isWithin, storedPath } from "./paths.ts";
import type { Project } from "./project.ts";

/**
 * The folders of candidates and production model, and the output's when it lies above them; an output among the code
 * (`src/model.bin`) or at the top makes no models folder of its surroundings.
 */
export function modelPlaces(project: Project): string[] {
  const { output, production, candidates } = project.config.models;
  const single = [output, production].filter((path) => dirname(path) === ".").map((path) => storedPath(project, path));
  const folders = [candidates, dirname(production)].filter((path) => path !== ".").map((path) => storedPath(project, path));
  const file = storedPath(project, output);
  const above = dirname(file);
  const holdsModels = dirname(output) !== "." && folders.some((folder) => isWithin(folder, above));
  const all = [...single, ...folders, ...(holdsModels ? [above] : [file])];
  return [...new Set(all)].filter((place) => !all.some((other) => other !== place && isWithin(place, other)));
}

/** Whether only a promotion puts something there: the production model, and what is beside it in a folder of its own. */
export function isInProduction(project: Project, path: string): boolean {
  const { output, production, candidates } = project.config.models;
  const folder = dirname(production);
  const isOwn = folder !== "." && ![output, candidates].some((other) => isWithin(other, folder));
  return isWithin(path, storedPath(project, isOwn ? folder : production));
}

/** By the ending that the libraries give what they save. */
export function isModelName(path: string): boolean {
  return /\.(?:pth?|ckpt|onnx|h5|keras|pkl|joblib|safetensors|cbm|ubj|tflite|gguf)$/i.test(path);
}
