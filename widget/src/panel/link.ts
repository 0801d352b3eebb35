// The socket to the hub: connects, says when it is away, asks with an answer or an error, and always comes back.

import type { Socket } from "socket.io-client";
import type { Hello } from "../wire.ts";
import { locale } from "./i18n.ts";
import { changed, state } from "./state.ts";
import { keep, kept } from "./storage.ts";

/** What the hub refused, or why it could not be asked. `offline` and `timeout` are ours, the rest are the hub's codes. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(code);
  }
}

let socket: Socket | null = null;
let fetching = false;
let wanted = false;
let retry = 0;
let attempts = 0;
let patience = 0;

const handlers: [string, (data: any) => void][] = [];

/** To be called before the first `connect`. */
export function onPush<T>(event: string, fn: (data: T) => void): void {
  handlers.push([event, fn]);
}

/** Asks the hub; resolves with its answer once that is committed, rejects with Refused. */
export async function ask<T>(event: string, data: object, timeout = 10_000): Promise<T> {
  if (state.link != "online" || !socket) throw new Refused("offline");
  let answer: any;
  try {
    answer = await socket.timeout(timeout).emitWithAck(event, data);
  } catch {
    throw new Refused("timeout");
  }
  if (answer?.ok) return answer;
  throw new Refused(answer?.error?.code ?? "internal", answer?.error?.details);
}

/** Says something that may be lost. */
export function hint(event: string, data: object): void {
  if (state.link == "online") socket?.volatile.emit(event, data);
}

/** Another namespace over the same connection; null while there is none. `auth` is asked at each connect. */
export function beside(namespace: string, auth: (give: (data: object) => void) => void): Socket | null {
  return state.link == "online" && socket ? socket.io.socket(namespace, { auth }) : null;
}

export function connect(): void {
  wanted = true;
  if (socket) {
    if (!socket.connected) again(0);
    return;
  }
  if (fetching) return;
  fetching = true;
  state.link = "connecting";
  waitForIt();
  changed();
  // The socket's library is a third of the panel; the first picture does not wait for it.
  import("socket.io-client")
    .then(({ io }) => void (wanted && make(io)), () => lost())
    .finally(() => (fetching = false));
}

function make(io: typeof import("socket.io-client").io): void {
  socket = io("/visitor", {
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    // ours decides when to come back: at once when asked to, together with others only after a while
    reconnection: false,
    timeout: 8000,
    auth: (give) => give({ site: state.site.id, token: kept("token") || null, locale }),
  });
  socket.on("disconnect", (reason) => lost(reason == "io server disconnect" ? 1500 : 300));
  socket.on("connect_error", (error) => {
    const code = (error as Error & { data?: { code?: string } }).data?.code;
    if (code == "auth.failed" || code == "auth.required") keep("token", null);
    lost();
  });
  socket.on("reconnect", ({ after_ms }: { after_ms: number }) => {
    socket?.disconnect();
    lost(after_ms + Math.random() * 1000);
  });
  socket.on("hello", (hello: Hello) => {
    clearTimeout(patience);
    patience = attempts = 0;
    state.link = "online";
    state.met = true;
    state.away = false;
    changed();
    greet(hello);
  });
  for (const [event, fn] of handlers) socket.on(event, fn);
}

/** What happens at every hello, before anything else is asked. */
let greet: (hello: Hello) => void = () => {};
export function onHello(fn: (hello: Hello) => void): void {
  greet = fn;
}

/** A short absence is nobody's business; after two seconds it is said. */
function waitForIt(): void {
  patience ||= window.setTimeout(() => {
    state.away = true;
    changed();
  }, 2000);
}

function lost(after?: number): void {
  if (!wanted) return;
  if (state.link != "lost") {
    state.link = "lost";
    waitForIt();
  }
  again(after ?? Math.min(3000, 400 * 2 ** attempts) * (0.6 + Math.random() * 0.4));
  changed();
}

function again(after: number): void {
  clearTimeout(retry);
  state.retryAt = Date.now() + after;
  retry = window.setTimeout(() => {
    attempts++;
    if (socket) socket.disconnect().connect();
    else connect();
  }, after);
}

/** The visitor is tired of waiting, or the browser says that there is a network again. */
export function tryNow(): void {
  if (wanted && state.link != "online") again(0);
}

/** Presents itself anew, with the token of this moment. */
export function renew(): void {
  if (!socket || !wanted) return;
  state.link = "connecting";
  waitForIt();
  socket.disconnect().connect();
}

/** Nothing is going on and nobody looks: leaves the hub in peace. */
export function rest(): void {
  wanted = false;
  clearTimeout(retry);
  clearTimeout(patience);
  patience = 0;
  socket?.disconnect();
  state.link = "off";
  state.away = false;
}

addEventListener("online", tryNow);
