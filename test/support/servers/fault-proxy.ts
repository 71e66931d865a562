/** A proxy in front of an HTTP server that does to it what networks do. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What befalls a request; null: nothing. */
export type Fault =
  /** Answered with a status, never asked. */
  | { status: number; headers?: Record<string, string>; body?: string }
  /** The connection breaks after this many bytes of the answer. */
  | { cutAnswerAt: number }
  /** The connection breaks after this many bytes of the request's body. */
  | { cutRequestAt: number }
  /** The answer's bytes are others. */
  | { wrongBytes: true }
  /** Nothing comes for this long. */
  | { silentMs: number }
  /** The answer comes in small pieces with a pause before each. */
  | { slowMs: number };

interface Asked {
  method: string;
  url: string;
  /** The bytes that are asked for, as the request says. */
  range: string;
  /** Counts from 1. */
  number: number;
  /** To the end. */
  isAnswered: boolean;
}

export interface FaultProxy {
  url: string;
  /** Every request since the last `reset`. */
  asked: Asked[];
  /** Chooses what befalls each request from now on. */
  reset(choose?: (asked: Asked) => Fault | null): void;
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const to = new URL(target);
  let choose: (asked: Asked) => Fault | null = () => null;
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    const one = {
      method: incoming.method ?? "",
      url: incoming.url ?? "",
      range: String(incoming.headers["x-ms-range"] ?? incoming.headers.range ?? ""),
      number: asked.length + 1,
      isAnswered: false,
    };
    asked.push(one);
    outgoing.on("finish", () => {
      one.isAnswered = true;
    });
    pass(to, choose(one), { incoming, outgoing });
  });
  server.on("checkContinue", (incoming, outgoing) => {
    outgoing.writeContinue();
    server.emit("request", incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    reset(next = () => null) {
      choose = next;
      asked.length = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pass(to: URL, fault: Fault | null, { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse }): void {
  if (fault !== null && "status" in fault) {
    incoming.resume();
    outgoing.writeHead(fault.status, fault.headers).end(incoming.method === "HEAD" ? undefined : fault.body);
    return;
  }
  if (fault !== null && "silentMs" in fault) {
    incoming.resume();
    setTimeout(() => outgoing.destroy(), fault.silentMs).unref();
    return;
  }
  // The host stays as it was signed.
  const onward = request({ host: to.hostname, port: to.port, method: incoming.method, path: incoming.url, headers: incoming.headers });
  onward.on("error", () => outgoing.destroy());
  let came = 0;
  incoming.on("data", (chunk: Buffer) => {
    came += chunk.length;
    if (fault !== null && "cutRequestAt" in fault && came > fault.cutRequestAt) {
      onward.destroy();
      incoming.destroy();
      return;
    }
    onward.write(chunk);
  });
  incoming.on("end", () => onward.end());
  onward.on("response", (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    let gone = 0;
    answer.on("data", (chunk: Buffer) => {
      if (fault !== null && "cutAnswerAt" in fault && gone + chunk.length > fault.cutAnswerAt) {
        outgoing.write(chunk.subarray(0, fault.cutAnswerAt - gone), () => outgoing.destroy());
        answer.destroy();
        return;
      }
      gone += chunk.length;
      if (fault !== null && "wrongBytes" in fault) chunk = chunk.map((byte) => byte ^ 1) as Buffer;
      if (fault !== null && "slowMs" in fault) {
        answer.pause();
        setTimeout(() => {
          outgoing.write(chunk);
          answer.resume();
        }, fault.slowMs);
      } else outgoing.write(chunk);
    });
    answer.on("end", () => setTimeout(() => outgoing.end(), fault !== null && "slowMs" in fault ? fault.slowMs : 0));
    answer.on("error", () => outgoing.destroy());
  });
}
