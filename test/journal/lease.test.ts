import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { acquireLease, dropDeadLease, listLeases, readLease } from "../../src/journal/lease.ts";
import { identityOf } from "../../src/platform/processes.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeRepository } from "../support/repository.ts";

const setUp = () => openProject(makeRepository().context);
const busy = expect.objectContaining({ code: "E_BUSY" });

test("a second holder is refused, naming the first and what it does", () => {
  const project = setUp();
  acquireLease(project, "run in /a b", { run: "quiet-otter-0412" });
  expect(() => acquireLease(project, "run in /a b", {})).toThrow(new RegExp(`held by process ${process.pid} \\(run quiet-otter-0412\\)`));
  expect(() => acquireLease(project, "run in /a b", {})).toThrow(busy);
  acquireLease(project, "another", {});
});

test("a released lease is free, and releasing twice does not free the next holder's", () => {
  const project = setUp();
  const first = acquireLease(project, "run", {});
  first.release();
  const second = acquireLease(project, "run", { n: 2 });
  first.release();
  first.update({ n: 1 });
  expect(readLease(project, "run")).toMatchObject({ facts: { n: 2 } });
  second.update({ n: 3 });
  expect(readLease(project, "run")).toMatchObject({ facts: { n: 3 }, owner: identityOf(process.pid) });
});

test("a dead holder is replaced; one on another host never is", () => {
  const project = setUp();
  acquireLease(project, "run", {}, deadIdentity());
  acquireLease(project, "run", { n: 2 }).release();
  acquireLease(project, "run", {}, { ...deadIdentity(), host: "elsewhere" });
  expect(() => acquireLease(project, "run", {})).toThrow(/on elsewhere/);
  expect(dropDeadLease(project, "run")).toBe(false);
});

test("what a power cut left of a lease holds nobody up", () => {
  const project = setUp();
  acquireLease(project, "run", {}).release();
  writeFileSync(join(project.stateDir, "leases/run.json"), "");
  expect(acquireLease(project, "run", { n: 1 }).facts).toEqual({ n: 1 });
});

test("dead leases are listed and can be dropped; no temporary file stays", () => {
  const project = setUp();
  acquireLease(project, "a", {}, deadIdentity());
  acquireLease(project, "b", {});
  expect(listLeases(project).map((lease) => lease.name)).toEqual(["a", "b"]);
  expect(dropDeadLease(project, "a")).toBe(true);
  expect(dropDeadLease(project, "b")).toBe(false);
  expect(readdirSync(join(project.stateDir, "leases")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
