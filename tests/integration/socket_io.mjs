// The Socket.IO client that browsers have, for a test to drive: node socket_io.mjs '{"url": ..., "namespace": ..., ...}'.
// What happens is written to the output, a JSON line each; a line {"n": 1, "event": ..., "data": ...} at the input is
// sent as that event, and its acknowledgement is told as {"n": 1, "ack": ...}.
import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const { url, namespace, auth, transports, ca, from } = JSON.parse(process.argv[2]);
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
let token = null; // once it has one, a visitor is known again by it, as in the widget
const keep = (data) => (token = data?.token ?? token);
const socket = io(url + namespace, {
  auth: (give) => give({ ...auth, token }),
  transports,
  agent: new Agent({ ca: readFileSync(ca), localAddress: from, keepAlive: true }),
  reconnectionDelay: 200,
  reconnectionDelayMax: 500,
});
const transport = () => socket.io.engine.transport.name;
socket.io.on("open", () => {
  tell({ on: "open", transport: transport() });
  socket.io.engine.once("upgrade", () => tell({ on: "upgrade", transport: transport() }));
});
socket.on("connect", () => tell({ on: "connect" }));
socket.on("connect_error", (error) => tell({ on: "connect_error", reason: error.message }));
socket.on("disconnect", (reason) => tell({ on: "disconnect", reason }));
socket.onAny((event, data) => {
  keep(data);
  tell({ on: "event", event, data });
});
createInterface({ input: process.stdin }).on("line", async (line) => {
  const { n, event, data } = JSON.parse(line);
  try {
    const ack = await socket.timeout(20_000).emitWithAck(event, data);
    keep(ack);
    tell({ n, ack });
  } catch (error) {
    tell({ n, failed: String(error) });
  }
}).on("close", () => process.exit());
