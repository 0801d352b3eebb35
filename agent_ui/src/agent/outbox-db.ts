// The outbox on this computer: IndexedDB, because it keeps files too. Where the browser refuses, memory is all there is.

export interface StoredEntry {
  client_id: string;
  user: string;
  contact: string;
  kind: "text" | "note";
  text: string;
  /** A file that is still to be uploaded, then its id. */
  blob: File | null;
  file: string | null;
  at: number;
}

const NAME = "contact-hub-outbox";
const STORE = "entries";
let opening: Promise<IDBDatabase | null> | undefined;

function open(): Promise<IDBDatabase | null> {
  opening ??= new Promise((resolve) => {
    try {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "client_id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
      asked.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opening;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  const database = await open();
  if (!database) return null;
  return new Promise((resolve) => {
    const asked = act(database.transaction(STORE, mode).objectStore(STORE));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(null);
  });
}

export async function storeEntry(entry: StoredEntry): Promise<void> {
  await run("readwrite", (store) => store.put(entry));
}

export async function dropEntry(clientId: string): Promise<void> {
  await run("readwrite", (store) => store.delete(clientId));
}

/** The entries of one user, oldest first. */
export async function storedEntries(user: string): Promise<StoredEntry[]> {
  const all = (await run("readonly", (store) => store.getAll() as IDBRequest<StoredEntry[]>)) ?? [];
  return all.filter((entry) => entry.user === user).sort((a, b) => a.at - b.at);
}
