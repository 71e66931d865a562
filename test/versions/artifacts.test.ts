import { expect, it } from "vitest";
import { makeRepository } from "../support/repository.ts";

it("data of which several pointer files say the same is one input of a version, whoever makes its tag", () => {
  const repo = makeRepository();
  const must = (...args: string[]) => {
    const answer = repo.expverJson(args);
    expect(answer, JSON.stringify(answer.error)).toMatchObject({ code: 0 });
    return answer.data;
  };
  must("init");
  repo.write("a.csv", "1\n");
  repo.write("b.csv", "2\n");
  must("data", "add", "a.csv", "b.csv");
  // The size is no part of what makes them agree.
  repo.commit("data", { "copy.dvc": repo.read("a.csv.dvc").replace(/ *size:.*\n/, "") });
  must("tag", "e0.1.0", "-d", "by hand");
  must("run", "--", "true");
  for (const version of ["e0.1.0", "e0.2.0"]) {
    const lines = repo.git("tag", "-l", "--format=%(contents)", version).match(/^Data: .*$/gm);
    expect(lines?.map((line) => line.replace(/\w{32}/, "HASH"))).toEqual(["Data: HASH 2 a.csv", "Data: HASH 2 b.csv"]);
    const shown = must("show", version).artifacts.filter(({ role }: { role: string }) => role === "data");
    expect(shown.map(({ path }: { path: string }) => path)).toEqual(["a.csv", "b.csv"]);
  }
  expect(must("verify").versions.map(({ state }: { state: string }) => state)).toEqual(["whole", "whole"]);
});
