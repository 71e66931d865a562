/** Options of a remote with values dvc refuses: no server is asked with them. */
import { describe, expect, it } from "vitest";
import { makeRepository } from "../support/repository.ts";
import { DVC, makeTwins, runDvc } from "../support/twins.ts";

// Nobody listens there: whoever asks is told so.
const NOWHERE = "http://127.0.0.1:1/store";

const WRONG = [
  ["jobs", "0"],
  ["jobs", "many"],
  ["read_timeout", "abc"],
  ["connect_timeout", "-1"],
] as const;

describe.skipIf(DVC === null)("a remote's option that is no number", () => {
  it("is refused when it is set, when a file says it, and for a URL", () => {
    const twins = makeTwins();
    twins.run(["remote", "add", "-q", "-d", "store", NOWHERE]);
    twins.each((repository) => repository.write("a", "1\n"));
    twins.run(["add", "-q", "a"]);
    for (const [key, value] of WRONG) {
      expect(twins.run(["remote", "modify", "--local", "store", key, value]).ours.code).toBe(251);
      twins.each((repository) => repository.write(".dvc/config.local", `['remote "store"']\n    ${key} = ${value}\n`));
      expect(twins.run(["push"]).ours).toMatchObject({ code: 251, stderr: expect.stringContaining(`remote.store.${key} is "${value}"`) });
      twins.each((repository) => repository.write(".dvc/config.local", ""));
      const typed = twins.ours.expver(["data", "get-url", `${NOWHERE}/a`, "b", "--fs-config", `${key}=${value}`]);
      expect(typed).toMatchObject({ code: 251, stderr: expect.stringContaining(`${key} is "${value}"`) });
    }
    const misspelt = twins.ours.expver(["data", "get-url", `${NOWHERE}/a`, "b", "--fs-config", "read_timout=1"]);
    expect(misspelt).toMatchObject({
      code: 251,
      stderr: expect.stringMatching(/knows no option .*read_timout[\s\S]*Did you mean read_timeout/),
    });
  });
});

describe.skipIf(DVC === null)("a remote's option that is a path", () => {
  it("means the file that was typed, from wherever it was", () => {
    const twins = makeTwins();
    twins.each((repository) => repository.write("sub/keys.json", "{}"));
    twins.run(["remote", "add", "-q", "cloud", "gs://bucket/x"]);
    twins.run(["remote", "add", "-q", "host", "ssh://host/x"]);
    twins.run(["remote", "add", "-q", "web", "webdavs://host/x"]);
    const said = (file: string) => {
      const [theirs, ours] = [twins.theirs, twins.ours].map((repository) => repository.read(file));
      expect(ours).toBe(theirs);
      return ours;
    };
    twins.run(["remote", "modify", "-q", "--local", "cloud", "credentialpath", "keys.json"], "sub");
    twins.run(["config", "-q", "--local", "remote.host.keyfile", "sub/key"]);
    expect(said(".dvc/config.local")).toContain("credentialpath = ../sub/keys.json");
    twins.run(["remote", "modify", "-q", "web", "cert_path", "cert.pem"]);
    twins.run(["remote", "modify", "-q", "web", "key_path", "/etc/key.pem"]);
    twins.run(["remote", "modify", "-q", "cloud", "credentialpath", "~/keys.json"], "sub");
    twins.run(["remote", "modify", "-q", "cloud", "projectname", "keys.json"], "sub");
    expect(said(".dvc/config")).toContain("cert_path = ../cert.pem");
  });
});

describe.skipIf(DVC === null)("options that are kept apart from a remote's url", () => {
  it("go with it when it is renamed or removed: dvc would refuse every command after them", () => {
    const { ours, theirs } = makeTwins();
    const local = ".dvc/config.local";
    const run = (...args: string[]) => expect(ours.expver(["data", "remote", ...args]), args.join(" ")).toMatchObject({ code: 0 });
    run("add", "-q", "-d", "cloud", "gs://bucket/x");
    run("add", "-q", "other", "gs://bucket/y");
    run("modify", "-q", "--local", "cloud", "projectname", "mine");
    run("modify", "-q", "--local", "other", "url", "gs://bucket/z");
    run("rename", "-q", "cloud", "store");
    expect(ours.read(local)).toContain(`['remote "store"']\n    projectname = mine\n`);
    run("rename", "-q", "other", "third");
    expect(ours.read(local)).toContain(`['remote "other"']\n    url = gs://bucket/z\n`);
    const listed = () => {
      theirs.write(local, ours.read(local));
      theirs.write(".dvc/config", ours.read(".dvc/config"));
      return runDvc(theirs, ["remote", "list"]);
    };
    expect(listed()).toMatchObject({ code: 0, stdout: expect.stringContaining("store") });
    run("remove", "-q", "store");
    expect(listed()).toMatchObject({ code: 0, stdout: expect.not.stringContaining("store") });
    expect(ours.expver(["undo"]).code).toBe(0);
    expect(ours.read(local)).toContain("projectname = mine");
  });
});

it("a value that asks for what its section does not have is not written: no command could read the file again", () => {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  expect(repository.expver(["data", "remote", "add", "store", "/there"]).code).toBe(0);
  const before = repository.read(".dvc/config");
  const { code, error } = repository.expverJson(["data", "config", "remote.store.url", "/there/%(nobody)s"]);
  expect({ code, error }).toMatchObject({ code: 255, error: { code: "E_CONFIG", message: expect.stringContaining("nobody") } });
  expect(repository.read(".dvc/config")).toBe(before);
});
