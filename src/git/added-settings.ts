/** Settings for one call of Git, over those it finds: by the environment, for a name may have any character. */
import type { Repository } from "./git.ts";

export function addedSettings({ env }: Repository, settings: readonly (readonly [name: string, value: string])[]): Record<string, string> {
  const before = Number(env.GIT_CONFIG_COUNT ?? 0);
  const entries = settings.flatMap(([name, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${before + index}`, name],
    [`GIT_CONFIG_VALUE_${before + index}`, value],
  ]);
  return { ...Object.fromEntries(entries), GIT_CONFIG_COUNT: String(before + settings.length) };
}
