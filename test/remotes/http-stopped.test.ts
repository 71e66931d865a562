/** Everything is stopped in the middle of many requests, some of whose connections have just become nobody's. */
import { setMaxListeners } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { httpClient } from "../../src/platform/http.ts";

const server = createServer((_, answer) => void answer.end("all of it"));

beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

it("ends no program", async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", note);
  try {
    for (let stopAfter = 1; stopAfter <= 40; stopAfter += 1) await stopped(stopAfter);
  } finally {
    process.removeListener("uncaughtException", note);
    for (const other of others) process.on("uncaughtException", other);
  }
  expect(uncaught).toEqual([]);
});

async function stopped(stopAfter: number): Promise<void> {
  const send = httpClient({ env: {}, verify: true, connectTimeoutMs: 5000, readTimeoutMs: 5000 });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  let counted = 0;
  const count = () => {
    counted += 1;
    if (counted === stopAfter) controller.abort();
  };
  const worker = async () => {
    for (let time = 0; time < 3; time += 1) {
      const { body } = await send({ method: "GET", url, signal: controller.signal });
      for await (const _ of body as AsyncIterable<Buffer>) count();
      count();
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: 16 }, worker));
  expect(ends.some(({ status }) => status === "rejected")).toBe(true);
  await setTimeout(2);
}
