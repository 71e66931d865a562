/** What becomes of a command whose reader has gone away, or whose output has no room. */

/** Of a command line that goes on. */
interface Watched {
  writes(): boolean;
  /** Undefined until it is known. */
  exitCode(): number | undefined;
}

let watched: Watched = { writes: () => false, exitCode: () => undefined };
let isWatching = false;

/**
 * A closed pipe (`expver list | head -1`) is no failure. A command that only looks ends quietly, with the code of what it has found
 * (`expver verify | grep -q …` must not call damage well); one that writes goes on to its end, since a run of six hours must not die of a
 * closed pager. Output that cannot be written for another reason is a failure.
 */
export function watchOutput(commandLine: Watched): void {
  watched = commandLine;
  if (isWatching) return;
  isWatching = true;
  for (const stream of [process.stdout, process.stderr]) stream.on("error", (error: NodeJS.ErrnoException) => onError(stream, error));
}

function onError(stream: NodeJS.WriteStream, error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") {
    if (stream === process.stdout && !watched.writes() && watched.exitCode() === undefined) process.exit(0);
    return;
  }
  if (stream !== process.stdout) return;
  process.stderr.write(`error E_IO: the output cannot be written: ${error.message}\n`);
  process.on("exit", () => {
    process.exitCode = 1;
  });
}
