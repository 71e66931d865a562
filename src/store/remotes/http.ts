/** HTTP and HTTPS: a server that gives files and takes them by POST or PUT, as `method` says. It cannot list. */

import { ExpverError } from "../../errors.ts";
import { dropAnswer, type HttpAnswer } from "../../platform/http.ts";
import type { RemoteConfig } from "../settings/dvc-config.ts";
import { type Environment, getRange, httpAccess, lengthOf } from "./http-access.ts";
import type { Found, ObjectServer } from "./server.ts";

const NOT_THERE = [404, 410];

export function httpServer(config: RemoteConfig, env: Environment): ObjectServer {
  const access = httpAccess(config, env);
  const { name, options } = config;
  const method = options.get("method")?.toUpperCase() ?? "POST";
  // Some servers do not know HEAD: as dvc, GET is asked then, and its body not read.
  let asking = "HEAD";
  return {
    async find(key, signal): Promise<Found | null> {
      const doing = `look for ${key}`;
      if (asking === "HEAD") {
        const answer = await access.ask("HEAD", key, { signal, accept: [400, 403, 405, 501, ...NOT_THERE], doing });
        dropAnswer(answer);
        if (NOT_THERE.includes(answer.status)) return null;
        if (answer.status < 400) return found(answer);
      }
      const answer = await access.ask("GET", key, { signal, accept: NOT_THERE, doing });
      answer.body.on("error", () => {});
      answer.body.destroy();
      asking = "GET";
      return NOT_THERE.includes(answer.status) ? null : found(answer);
    },
    get: (key, options) => getRange(access, key, options),
    async put(key, source, signal) {
      const headers = { "content-type": "application/octet-stream" };
      const answer = await access.ask(method, key, { signal, source, headers, accept: [404, 405], doing: `write ${key}` });
      dropAnswer(answer);
      if (answer.status < 400) return;
      const other = method === "PUT" ? "POST" : "PUT";
      throw new ExpverError(
        answer.status === 404 ? "E_REMOTE_ABSENT" : "E_REMOTE_FORBIDDEN",
        `remote ${name}: the server answered ${answer.status} to ${method}`,
        {
          hint: `It may want the other method: expver data remote modify ${name} method ${other}`,
          details: { remote: name, status: answer.status },
        },
      );
    },
    async remove(key, signal) {
      dropAnswer(await access.ask("DELETE", key, { signal, accept: NOT_THERE, doing: `delete ${key}` }));
    },
    list: null,
    identity: async () => access.identity,
    skewMs: () => access.skewMs(),
  };
}

function found(answer: HttpAnswer): Found {
  const { etag, "content-md5": digest } = answer.headers;
  return { size: lengthOf(answer), tag: etag ?? [digest].flat()[0] };
}
