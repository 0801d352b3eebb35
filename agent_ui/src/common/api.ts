// HTTP to the hub with the session's cookie: JSON in and out, the CSRF token on whatever changes something.

import { boot } from "./boot.ts";
import { HubError } from "./errors.ts";

interface ErrorBody {
  error?: { code?: string; message?: string; details?: Record<string, unknown> };
}

/** Sends the browser to the sign-in page, from where it comes back to this one. */
export function toSignIn(reason?: string): void {
  const next = location.pathname + location.search + location.hash;
  location.assign(`/login?next=${encodeURIComponent(next)}${reason ? `&reason=${encodeURIComponent(reason)}` : ""}`);
}

async function failure(response: Response): Promise<HubError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const { code = `http.${response.status}`, message = response.statusText, details = {} } = body.error ?? {};
  return new HubError(code, message, details, response.status);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new HubError("net.offline");
  }
  if (!response.ok) {
    const error = await failure(response);
    if (error.code === "auth.required" && boot.me) toSignIn("expired");
    throw error;
  }
  return response;
}

/**
 * Calls the REST API; `path` is below /api/v1 unless it begins with a slash.
 * @throws HubError with the server's code, or "net.offline" when there is no answer
 */
export async function api<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = boot.csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await send(path.startsWith("/") ? path : `/api/v1/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** What is no JSON; throws as `api` does. `path` is below /api/v1. */
export async function bytes(path: string, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await send(`/api/v1/${path}`, { signal })).arrayBuffer();
}

/** Signs out here and in every window of this session. */
export async function signOut(): Promise<void> {
  await api("POST", "/logout", {}).catch(() => undefined); // signed out already, or the sign-in page will say
  location.assign("/login");
}
