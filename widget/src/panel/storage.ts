// What the panel keeps in the hub's own origin, and only once the visitor has acted: the token, the language chosen, drafts,
// and the outbox. Third-party storage may be forbidden; then all of it lives as long as the page.

import { state } from "./state.ts";

const memory = new Map<string, string>();
const full = (key: string) => `contacthub:${state.site.id}:${key}`;

export function keep(key: string, value: string | null, session = false): void {
  memory.delete(key);
  try {
    const store = session ? sessionStorage : localStorage;
    if (value === null) store.removeItem(full(key));
    else store.setItem(full(key), value);
  } catch {
    if (value !== null) memory.set(key, value); // forbidden or full
  }
}

export function kept(key: string, session = false): string | null {
  try {
    return (session ? sessionStorage : localStorage).getItem(full(key)) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

/** The contact whose sharing was joined by a code, as there is no conversation here that would say it. */
const JOINED = "sharing_of";

export const joinedByCode = () => kept(JOINED);
export const byCode = (contact: string | null) => keep(JOINED, contact);

/** Other windows of the same visitor: `fn` runs when one of them changes `key`. */
export function onKept(key: string, fn: (value: string | null) => void): void {
  addEventListener("storage", (event) => {
    if (event.key == full(key)) fn(event.newValue);
  });
}

let opening: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  return (opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(`contacthub:${state.site.id}`, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("outbox", { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }));
}

async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  try {
    const store = (await database()).transaction("outbox", mode).objectStore("outbox");
    return await new Promise((resolve, reject) => {
      const request = work(store);
      store.transaction.oncomplete = () => resolve(request.result);
      store.transaction.onabort = () => reject(store.transaction.error);
    });
  } catch {
    return null; // private windows without a database: the outbox lasts as long as the page
  }
}

export const outboxStore = {
  all: <T>() => run<T[]>("readonly", (store) => store.getAll() as IDBRequest<T[]>),
  put: (entry: unknown) => run("readwrite", (store) => store.put(entry)),
  remove: (id: string) => run("readwrite", (store) => store.delete(id)),
  clear: () => run("readwrite", (store) => store.clear()),
};
