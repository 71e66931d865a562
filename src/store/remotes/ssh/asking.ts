/** Requests of SFTP, and what their refusals are called. */
import { ExpverError } from "../../../errors.ts";
import { isRefusal, type Refusal, type Reply, type SftpConnection } from "./connection.ts";
import { type Field, Reader, STATUS, TYPE } from "./packets.ts";

interface Asked {
  signal: AbortSignal;
  /** Reads after "cannot". */
  doing: string;
}

export interface Asking {
  connection: SftpConnection;
  /** The reply, or null when the file is not there. */
  ask(type: number, fields: readonly Field[], asked: Asked): Promise<Reply | null>;
  /** The same where it must be there. */
  must(type: number, fields: readonly Field[], asked: Asked): Promise<Reply>;
  close(handle: Buffer, signal: AbortSignal): Promise<Reply | Refusal>;
  refused(doing: string, refusal: Refusal): ExpverError;
  full(doing: string): ExpverError;
}

export function askingOf(name: string, connection: SftpConnection): Asking {
  const refused = (doing: string, { status, text }: Refusal): ExpverError => {
    const code = status === STATUS.PERMISSION_DENIED ? "E_REMOTE_FORBIDDEN" : "E_REMOTE_ANSWER";
    return new ExpverError(code, `remote ${name}: cannot ${doing}: ${text || `SFTP status ${status}`}`, {
      ...(code === "E_REMOTE_FORBIDDEN" ? { hint: "The user of the remote may not do this there: see owner and mode of the folder." } : {}),
      details: { remote: name, sftp: status },
    });
  };
  const ask: Asking["ask"] = async (type, fields, { signal, doing }) => {
    const reply = await connection.ask(type, fields, signal);
    if (!isRefusal(reply)) return reply;
    if (reply.status === STATUS.OK) return { type: TYPE.STATUS, fields: new Reader(Buffer.alloc(0)) };
    if (reply.status === STATUS.NO_SUCH_FILE) return null;
    throw refused(doing, reply);
  };
  const must: Asking["must"] = async (type, fields, asked) => {
    const reply = await ask(type, fields, asked);
    if (reply !== null) return reply;
    throw new ExpverError("E_REMOTE_ABSENT", `remote ${name}: cannot ${asked.doing}: no such file or folder`, {
      details: { remote: name },
    });
  };
  const full = (doing: string) =>
    new ExpverError("E_REMOTE_FULL", `remote ${name}: cannot ${doing}: the disk there is full`, { details: { remote: name } });
  return { connection, ask, must, refused, full, close: (handle, signal) => connection.ask(TYPE.CLOSE, [handle], signal) };
}
