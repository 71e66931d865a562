/** A port that leads to another one, where every byte takes so many milliseconds, each way: a server that is far away. Tells its number. */
import { connect, createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { port, delay } = workerData;
const server = createServer((near) => {
  const far = connect(port, "127.0.0.1");
  pass(near, far);
  pass(far, near);
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));

function pass(from, to) {
  from.setNoDelay(true);
  from.on("data", (bytes) => setTimeout(() => to.write(bytes), delay));
  from.on("close", () => setTimeout(() => to.end(), delay));
  from.on("error", () => to.destroy());
}
