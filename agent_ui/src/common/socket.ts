// The connection to the hub's /agent namespace: acknowledged requests with a time limit, reconnecting with jitter.

import { signal } from "@preact/signals";
import { io, type Socket } from "socket.io-client";
import { toSignIn } from "./api.ts";
import { boot } from "./boot.ts";
import { HubError } from "./errors.ts";
import { newId } from "./ids.ts";

export type Connection = "connecting" | "online" | "offline" | "signed_out";

/** "online" only between a hello and the loss of the connection: what is shown is then up to date. */
export const connection = signal<Connection>("connecting");

/** This browser window, for heartbeats and for telling two windows of one agent apart. */
export const windowId = newId();

interface Ack {
  ok: boolean;
  error?: { code: string; message: string; details?: Record<string, unknown> };
}

const REQUEST_MS = 8_000;
const RETRY_MS = [400, 1_200, 3_000];

const socket: Socket = io("/agent", {
  autoConnect: false,
  auth: { window: windowId, csrf: boot.csrf },
  transports: ["websocket", "polling"],
  tryAllTransports: true,
  reconnectionDelay: 500,
  reconnectionDelayMax: 5_000,
  randomizationFactor: 0.5,
  timeout: 10_000,
});

let planned: ReturnType<typeof setTimeout> | undefined;

function reconnectIn(ms: number): void {
  clearTimeout(planned);
  planned = setTimeout(() => socket.connect(), ms * (0.75 + Math.random() / 2));
}

socket.on("hello", () => (connection.value = "online"));

socket.on("disconnect", (reason) => {
  if (connection.value === "signed_out") return;
  connection.value = "offline";
  // When the server closes the namespace the client library waits to be told; all else it retries by itself.
  if (reason === "io server disconnect") reconnectIn(1_000);
});

socket.on("connect_error", (error: Error & { data?: { code?: string; error?: { code?: string } } }) => {
  if (connection.value === "signed_out") return;
  connection.value = "offline";
  const code = error.data?.code ?? error.data?.error?.code ?? error.message;
  if (["auth.required", "auth.csrf", "auth.forbidden"].includes(code)) {
    connection.value = "signed_out";
    toSignIn("expired");
  } else if (!socket.active) {
    reconnectIn(2_000); // refused for another reason, such as a server that is starting
  }
});

socket.on("reconnect", ({ after_ms }: { after_ms: number }) => {
  connection.value = "offline";
  socket.disconnect();
  reconnectIn(Math.max(200, after_ms));
});

socket.on("signed_out", ({ reason }: { reason?: string }) => {
  connection.value = "signed_out";
  clearTimeout(planned);
  socket.disconnect();
  toSignIn(reason ?? "signed_out");
});

/** Connects; to be called after the listeners are there, so that no hello is missed. */
export function connect(): void {
  socket.connect();
  // A laptop that wakes up, or a network that returns, must not wait for the next planned attempt.
  window.addEventListener("online", () => socket.connected || socket.connect());
}

/** Listens to a push of the server; returns what stops it. */
export function on<T>(event: string, listener: (payload: T) => void): () => void {
  socket.on(event, listener as (payload: unknown) => void);
  return () => socket.off(event, listener as (payload: unknown) => void);
}

/**
 * Sends `event` and waits for the acknowledgement.
 * @throws HubError: the server's, "net.offline" without a connection, "net.timeout" without an answer (the request may
 *   have been done: repeat it with the same client_id)
 */
export async function request<T = object>(event: string, payload: object, timeoutMs = REQUEST_MS): Promise<T> {
  if (!socket.connected) throw new HubError("net.offline");
  let ack: Ack;
  try {
    ack = (await socket.timeout(timeoutMs).emitWithAck(event, payload)) as Ack;
  } catch {
    throw new HubError(socket.connected ? "net.timeout" : "net.offline");
  }
  if (!ack.ok) throw new HubError(ack.error?.code ?? "unknown", ack.error?.message, ack.error?.details);
  return ack as T;
}

/** Work that does nothing twice, repeated while its failure may pass by itself. */
export async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (const wait of [...RETRY_MS, null]) {
    try {
      return await work();
    } catch (error) {
      if (wait === null || !(error instanceof HubError) || !error.retryable || error.code === "rate.limited") throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  throw new HubError("net.timeout");
}

/**
 * A request that carries its own client_id, repeated while the failure may pass by itself: the server gives the first
 * result again, so nothing is done twice.
 */
export function command<T = object>(event: string, payload: object): Promise<T> {
  const body = { client_id: newId(), ...payload };
  return repeated(() => request<T>(event, body));
}

/** Another namespace over the same connection; not connected yet. */
export function beside(namespace: string): Socket {
  return socket.io.socket(namespace);
}

/** Sends what may be lost: typing. Nothing is kept for later. */
export function volatile(event: string, payload: object): void {
  if (socket.connected) socket.volatile.emit(event, payload);
}
