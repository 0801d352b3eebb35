import { boot } from "../common/boot.ts";
import { connection, request, windowId } from "../common/socket.ts";

const BEAT_MS = 10_000;

function beat(): void {
  // A lost beat is made good by the next one; three in a row end the lease.
  if (connection.value === "online") void request("heartbeat", { window: windowId }).catch(() => undefined);
}

/** Renews my presence's lease, from a worker's clock where the page has one. */
export function startHeartbeat(): void {
  const script = boot.assets["heartbeat.worker"];
  if (script && "Worker" in window) {
    const worker = new Worker(script);
    worker.onmessage = beat;
    worker.onerror = () => setInterval(beat, BEAT_MS);
  } else {
    setInterval(beat, BEAT_MS);
  }
}
