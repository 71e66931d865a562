/** Works that are under way at the same time. */
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { eachOf } from "../../src/platform/together.ts";

it("so many are under way at once, and the answers stand in the order of the items", async () => {
  let [now, most] = [0, 0];
  const answers = await eachOf([5, 1, 4, 2, 3], 2, async (turns) => {
    most = Math.max(most, ++now);
    for (let turn = 0; turn < turns; turn += 1) await setImmediate();
    now -= 1;
    return turns * 10;
  });
  expect({ answers, most }).toEqual({ answers: [50, 10, 40, 20, 30], most: 2 });
  expect(await eachOf([], 2, async () => 1)).toEqual([]);
});

it("after a failure nothing is begun, and what is under way ends before it is told", async () => {
  const [begun, ended]: [number[], number[]] = [[], []];
  const work = async (item: number) => {
    begun.push(item);
    await setImmediate();
    if (item === 0) throw new Error("broken");
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    ended.push(item);
  };
  await expect(eachOf([0, 1, 2, 3, 4], 2, work)).rejects.toThrow("broken");
  expect({ begun, ended }).toEqual({ begun: [0, 1], ended: [1] });
});
