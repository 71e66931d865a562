/** A door in front of any server that shuts in the middle of a conversation, as when the server dies: nothing comes through until it is opened again. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface MortalProxy {
  port: number;
  /** Open again, from now on for so many pieces of what clients send. */
  reopen(pieces?: number): void;
  /** Pieces that came since it was opened, and whether it has shut. */
  state(): { pieces: number; isShut: boolean };
  stop(): Promise<void>;
}

export async function startMortalProxy(target: number): Promise<MortalProxy> {
  const sockets = new Set<Socket>();
  let [left, pieces] = [Number.POSITIVE_INFINITY, 0];
  const shut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const keep = (socket: Socket, other: () => Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      other().destroy();
    });
  };
  const server = createServer((client) => {
    if (left <= 0) {
      client.destroy();
      return;
    }
    const onward = connect(target, "127.0.0.1");
    keep(client, () => onward);
    keep(onward, () => client);
    client.on("data", (piece) => {
      left -= 1;
      pieces += 1;
      if (left > 0) onward.write(piece);
      // Half of what was being sent has got there.
      else onward.write(piece.subarray(0, piece.length / 2), shut);
    });
    onward.on("data", (piece) => {
      if (left > 0) client.write(piece);
    });
    client.on("end", () => onward.end());
    onward.on("end", () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    reopen(some = Number.POSITIVE_INFINITY) {
      shut();
      [left, pieces] = [some, 0];
    },
    state: () => ({ pieces, isShut: left <= 0 }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        shut();
      }),
  };
}
