/** Which way a metric is better, told from its name alone. A guess: say so wherever it decides something. */
import type { Direction } from "./config.ts";

const SMALLER = words(
  "loss losses error errors err rmse rmsle mse mae mape smape perplexity ppl wer cer fid latency nll brier logloss mlogloss merror regret deviance fpr fnr eer",
);
const LARGER = words(
  "accuracy acc f1 f2 auc auroc auprc aucpr ap map precision recall score r2 bleu rouge rougel meteor iou miou dice mcc kappa ndcg mrr psnr ssim " +
    "reward specificity sensitivity tpr tnr chrf bertscore hits",
);

/** Undefined when the name is no known metric's: `val_loss` is smaller-better, `F1-macro` larger-better, `lr` neither. */
export function guessDirection(name: string): Direction | undefined {
  const parts = partsOf(name);
  if (parts.some((part) => SMALLER.has(part))) return "min";
  return parts.some((part) => LARGER.has(part) || LARGER.has(part.replace(/\d+$/, ""))) ? "max" : undefined;
}

const SETS = [words("val valid validation eval dev cv oof"), words("test holdout")];
const TRAINING = words("train training");

/** How far from what a model is to be chosen by: validation, test, what does not say of which data it is, training. 0 to 3. */
export function distanceOf(name: string): number {
  const parts = partsOf(name);
  const found = SETS.findIndex((set) => parts.some((part) => set.has(part)));
  if (found >= 0) return found;
  return parts.some((part) => TRAINING.has(part)) ? SETS.length + 1 : SETS.length;
}

/** `valLoss`, `val/loss` and `val_loss` have the same. */
function partsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

function words(text: string): Set<string> {
  return new Set(text.split(" "));
}
