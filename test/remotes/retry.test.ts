/** What a failure is, whether it may heal, and whether every other object would meet it. */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type ErrorCode, ExpverError, fromSystemError } from "../../src/errors.ts";
import type { ProgressEvent } from "../../src/platform/context.ts";
import { forMany } from "../../src/store/remotes/many.ts";
import { fromNetworkError, fromStatus } from "../../src/store/remotes/problems.ts";
import { concernsAll, retrying } from "../../src/store/remotes/retry.ts";

const ASKED = { remote: "store", doing: "read x" };

/** Fails as often as it is told, then answers how often it was tried. */
async function attempts(error: unknown, times = 1): Promise<number> {
  const controller = new AbortController();
  let tried = 0;
  await retrying(
    async () => {
      tried += 1;
      if (tried <= times) throw error;
    },
    { signal: controller.signal },
  ).catch((thrown: unknown) => {
    if (thrown !== error) throw thrown;
  });
  return tried;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the answer", () => {
  it.each<[status: number, code: ErrorCode, mayHeal: boolean, concernsAll: boolean]>([
    [401, "E_REMOTE_AUTH", false, true],
    [407, "E_REMOTE_AUTH", false, true],
    [403, "E_REMOTE_FORBIDDEN", false, false],
    [404, "E_REMOTE_ABSENT", false, true],
    [410, "E_REMOTE_ABSENT", false, true],
    [507, "E_REMOTE_FULL", false, true],
    [400, "E_REMOTE_ANSWER", false, false],
    [412, "E_REMOTE_ANSWER", false, false],
    [413, "E_REMOTE_ANSWER", false, false],
    [501, "E_REMOTE_ANSWER", false, false],
    ...[408, 425, 429, 500, 502, 503, 504].map((status): [number, ErrorCode, boolean, boolean] => [status, "E_REMOTE_ANSWER", true, false]),
  ])("%d is %s", async (status, code, mayHeal, isForAll) => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const error = fromStatus(status, ASKED, { text: `<b>Why</b>\n  so ${"x".repeat(300)}` });
    expect(error.code).toBe(code);
    expect(error.message).toMatch(new RegExp(`^remote store: cannot read x: the server answered ${status}: Why so x{193}$`));
    expect(concernsAll(error)).toBe(isForAll);
    expect(await attempts(error)).toBe(mayHeal ? 2 : 1);
    expect(error.hint.includes("client_max_body_size")).toBe(status === 413);
  });
});

it("a file that may not be read fails alone; a folder that may not be written ends all", async () => {
  const parcels = ["a", "b", "c"].map((name) => ({ object: { hash: name, hashName: "md5" as const }, from: `/cache/${name}` }));
  const failing = async (path: string) => {
    const work = async ({ object }: { object: { hash: string } }) => {
      const error = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES", syscall: "open", path });
      if (object.hash === "a") throw fromSystemError(error, "cannot open it");
    };
    return (await forMany(parcels, { pacing: {}, jobs: 1, label: "pushing" }, work)).map(({ object }) => object.hash);
  };
  expect(await failing("/cache/a")).toEqual(["a"]);
  expect(await failing("/elsewhere")).toEqual(["a", "b", "c"]);
});

it("as many at once as the caller says, whatever the remote's configuration has", async () => {
  const most = async (connections?: number) => {
    let [now, peak] = [0, 0];
    const work = async () => {
      peak = Math.max(peak, ++now);
      await pause(5);
      now -= 1;
    };
    const items = Array.from({ length: 12 }, (_, index) => ({ object: { hash: String(index), hashName: "md5" as const } }));
    await forMany(items, { pacing: connections === undefined ? {} : { connections }, jobs: 4, label: "pushing" }, work);
    return peak;
  };
  expect([await most(), await most(1), await most(7)]).toEqual([4, 1, 7]);
});

it("what is waited for is on the board from the third failure on, until it goes on or is given up", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const said = async (failures: number) => {
    const boards: (readonly string[])[] = [];
    let left = failures;
    const pacing = { report: (event: ProgressEvent) => void (event.kind === "board" && boards.push(event.lines)) };
    await forMany([{ object: { hash: "a", hashName: "md5" as const } }], { pacing, jobs: 1, label: "pushing to store" }, async () => {
      left -= 1;
      if (left >= 0) throw new ExpverError("E_REMOTE_UNREACHABLE", "no route");
    });
    return boards;
  };
  const line = ["pushing to store: no route; it is tried again"];
  expect(await said(2)).toEqual([]);
  expect(await said(3)).toEqual([line, []]);
  expect(await said(99)).toEqual([line, line, line, []]);
});

describe("the network", () => {
  it.each<[errno: string, code: ErrorCode, mayHeal: boolean]>([
    ["ETIMEDOUT", "E_REMOTE_TIMEOUT", true],
    ["ESOCKETTIMEDOUT", "E_REMOTE_TIMEOUT", true],
    ["ECONNREFUSED", "E_REMOTE_UNREACHABLE", true],
    ["ECONNRESET", "E_REMOTE_UNREACHABLE", true],
    ["EAI_AGAIN", "E_REMOTE_UNREACHABLE", true],
    ["EPIPE", "E_REMOTE_UNREACHABLE", true],
    ["EHOSTUNREACH", "E_REMOTE_UNREACHABLE", true],
    ["ENETUNREACH", "E_REMOTE_UNREACHABLE", true],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "E_REMOTE_UNREACHABLE", true],
    ["ENOTFOUND", "E_REMOTE_UNREACHABLE", false],
    ["CERT_HAS_EXPIRED", "E_REMOTE_CERTIFICATE", false],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "E_REMOTE_CERTIFICATE", false],
    ["SELF_SIGNED_CERT_IN_CHAIN", "E_REMOTE_CERTIFICATE", false],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "E_REMOTE_CERTIFICATE", false],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "E_REMOTE_CERTIFICATE", false],
    ["EPROXYAUTH", "E_REMOTE_AUTH", false],
  ])("%s is %s, and every other object would meet it", async (errno, code, mayHeal) => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const error = fromNetworkError(Object.assign(new Error("why"), { code: errno }), ASKED);
    expect(error).toMatchObject({ code, message: "remote store: cannot read x: why", details: { remote: "store", errno } });
    expect(concernsAll(error as ExpverError)).toBe(true);
    expect(await attempts(error)).toBe(mayHeal ? 2 : 1);
  });

  it("interrupted is no failure of it; what is none of its failures stays what it is; of several addresses each is told once", () => {
    const abort = Object.assign(new Error("x"), { name: "AbortError" });
    expect(fromNetworkError(abort, ASKED)).toMatchObject({ code: "E_INTERRUPTED" });
    const own = new ExpverError("E_OBJECT", "x");
    const disk = Object.assign(new Error("x"), { code: "ENOSPC" });
    for (const error of [own, disk, new TypeError("x"), "text"]) expect(fromNetworkError(error, ASKED)).toBe(error);
    const both = Object.assign(new AggregateError([new Error("one"), new Error("two"), new Error("one")]), { code: "ECONNREFUSED" });
    expect(fromNetworkError(both, ASKED)).toMatchObject({ message: "remote store: cannot read x: one; two" });
  });
});

describe("trying again", () => {
  it("ends after six times, at once with what cannot heal, and when it is stopped", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const broken = fromStatus(503, ASKED);
    expect(await attempts(broken, 5)).toBe(6);
    expect(await attempts(broken, Number.POSITIVE_INFINITY)).toBe(6);
    expect(await attempts(new TypeError("ours"), Number.POSITIVE_INFINITY)).toBe(1);
    expect(await attempts(new ExpverError("E_DISK_FULL", "x"))).toBe(1);
    expect(await attempts(new ExpverError("E_REMOTE_ANSWER", "x", { details: { passing: true } }))).toBe(2);
    const controller = new AbortController();
    let tried = 0;
    const work = retrying(
      async () => {
        tried += 1;
        controller.abort();
        throw broken;
      },
      { signal: controller.signal },
    );
    await expect(work).rejects.toBe(broken);
    expect(tried).toBe(1);
  });

  it("waits as long as the server wishes, but not for ever", () => {
    expect(fromStatus(503, ASKED, { retryAfter: "7" }).details.retryAfterMs).toBe(7000);
    for (const retryAfter of ["0", "-3", "soon", null])
      expect(fromStatus(503, ASKED, { retryAfter: retryAfter ?? undefined }).details).not.toHaveProperty("retryAfterMs");
  });
});
