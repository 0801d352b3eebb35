// Which window has a call's audio. One of this browser at most, by a lock that goes with the window; a reload is known by
// the tab's own memory, so that it takes its call up again where a copy of the tab does not.

const locks = new Map<string, () => void>();
const memory = (contact: string) => `hub.call.${contact}`;

/**
 * Takes the audio of `contact` for this window; false when another has it, unless it is taken away from that one.
 * `lost` is called when another window takes it.
 */
export function hold(contact: string, take: boolean, lost: () => void): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true); // without https there is no microphone either
  return new Promise((resolve) => {
    const options: LockOptions = take ? { steal: true } : { ifAvailable: true };
    navigator.locks
      .request(memory(contact), options, (lock) => {
        resolve(lock !== null);
        return lock && new Promise<void>((release) => locks.set(contact, release));
      })
      .catch(lost);
  });
}

export function release(contact: string): void {
  locks.get(contact)?.();
  locks.delete(contact);
}

export function remember(contact: string, had: boolean): void {
  try {
    if (had) sessionStorage.setItem(memory(contact), "1");
    else sessionStorage.removeItem(memory(contact));
  } catch {
    // then a reload asks before it takes the call up again
  }
}

/** Whether this tab had the audio before it was loaded anew. */
export function remembered(contact: string): boolean {
  try {
    return sessionStorage.getItem(memory(contact)) !== null;
  } catch {
    return false;
  }
}
