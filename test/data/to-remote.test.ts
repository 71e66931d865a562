/** Bytes that go to a remote and stay nowhere else. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeRepository } from "../support/repository.ts";
import { freePort, startServer, stopServer } from "../support/servers/programs.ts";

/** It thanks for whatever is sent, and has nothing afterwards. */
const FORGETFUL = `require("node:http").createServer((asked, answer) => {
  asked.resume();
  asked.on("end", () => answer.writeHead(asked.method === "POST" ? 200 : 404).end());
}).listen(Number(process.argv[1]), "127.0.0.1")`;

it("a file is not said to be on a remote that does not show it", async () => {
  const port = await freePort();
  const server = await startServer(process.execPath, ["-e", FORGETFUL, String(port)], { port });
  try {
    const { root, write, expver, expverJson } = makeRepository();
    expect(expver(["data", "init"]).code).toBe(0);
    expect(expver(["data", "remote", "add", "-d", "hole", `http://127.0.0.1:${port}/x`]).code).toBe(0);
    write("../there", "bytes\n");
    for (const args of [
      ["import-url", "--to-remote", "../there", "here"],
      ["add", "--to-remote", "../there", "-o", "here"],
    ]) {
      expect(expverJson(["data", ...args])).toMatchObject({
        code: 1,
        error: { code: "E_OBJECT", message: expect.stringContaining("is not seen there") },
      });
      expect(existsSync(join(root, "here.dvc"))).toBe(false);
    }
  } finally {
    await stopServer(server);
  }
});
