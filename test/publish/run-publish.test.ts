/** `expver run --publish` and `publish: auto`. */
import { expect, it } from "vitest";
import { installHook, makeStudy, must, refsOf, runOnce } from "./story.ts";

it("--publish publishes the version it has made, and says so", () => {
  const { repo, upstream } = makeStudy();
  const { stdout } = repo.expver(["run", "--publish", "--", "node", "train.js"]);
  expect(stdout).toContain("published");
  expect(stdout).not.toContain("not published");
  expect(refsOf(upstream, "refs")).toEqual(["refs/heads/main", "refs/tags/e0.1.0"]);
  const { data } = must(repo, ["run", "--publish", "--param", "lr=0.2", "--", "node", "train.js"]);
  expect(data).toMatchObject({ version: "e0.2.0", published: true, next: [] });
});

it("without it the last line is the command that publishes", () => {
  const { repo, upstream } = makeStudy();
  expect(repo.expver(["run", "--", "node", "train.js"]).stdout).toContain("not published: expver publish e0.1.0");
  expect(refsOf(upstream, "refs")).toEqual([]);
});

it("publish: auto does it without being asked; when it cannot, the run is done all the same", () => {
  const { repo, upstream } = makeStudy();
  repo.write("expver.yaml", `${repo.read("expver.yaml")}publish: auto\n`);
  repo.commit("publish by itself");
  expect(must(repo, ["run", "--", "node", "train.js"]).data).toMatchObject({ version: "e0.1.0", published: true });

  must(repo, ["data", "remote", "remove", "storage"]);
  repo.commit("no data remote");
  const { data, warnings } = must(repo, ["run", "--param", "lr=0.2", "--", "node", "train.js"]);
  expect(data).toMatchObject({ version: "e0.2.0", published: false, next: ["expver publish e0.2.0"] });
  expect(warnings.some(({ text }) => text.startsWith("e0.2.0 is made, but not published"))).toBe(true);
  expect(refsOf(upstream, "refs/tags")).toEqual(["refs/tags/e0.1.0"]);
});

it("--publish that cannot is a failure of the command, not of the run", () => {
  const { repo } = makeStudy();
  must(repo, ["data", "remote", "remove", "storage"]);
  const { code, error, data } = repo.expverJson(["run", "--publish", "--", "node", "train.js"]);
  expect(code).toBe(4);
  expect(error).toMatchObject({ code: "E_PUBLISH", message: expect.stringContaining("e0.1.0 is made, but not published") });
  expect(data).toMatchObject({ version: "e0.1.0", status: "finished", published: false });
  expect(refsOf(repo, "refs/tags")).toEqual(["refs/tags/e0.1.0"]);
});

it("a detached run publishes too, and is waited for until it has; then the next one may begin", () => {
  const { repo, upstream } = makeStudy();
  installHook(upstream, "pre-receive", "sleep 2");
  const { data } = must(repo, ["run", "--publish", "--detach", "--", "node", "train.js"]);
  must(repo, ["runs", "wait", data.run_id]);
  expect(refsOf(upstream, "refs/tags")).toEqual(["refs/tags/e0.1.0"]);
  expect(must(repo, ["run", "--", "true"]).data.version).toBe("e0.2.0");
});

it("publishing is in the journal, names the tag, and blocks undoing the run", () => {
  const { repo } = makeStudy();
  const version = runOnce(repo, "--publish");
  const { operations } = must(repo, ["ops", "list"]).data;
  const { id } = operations.find(({ command }: { command: string }) => command === "publish");
  const text = JSON.stringify(must(repo, ["ops", "show", id]).data);
  for (const word of ["origin", "storage", version, "main"]) expect(text).toContain(word);
  const run = operations.find(({ command }: { command: string }) => command === "run");
  expect(repo.expverJson(["undo", run.id])).toMatchObject({
    code: 4,
    error: { code: "E_UNDO", message: expect.stringContaining("published to origin") },
  });
  expect(repo.expverJson(["undo"])).toMatchObject({
    code: 4,
    error: {
      code: "E_UNDO",
      message: expect.stringContaining(`${id} (publish) cannot be undone`),
      hint: expect.stringContaining(`git push origin --delete ${version} && git tag -d ${version}`),
    },
  });
});
