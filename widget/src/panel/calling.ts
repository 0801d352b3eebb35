// The way to the part of the panel that can speak: it is fetched when a call begins, or goes on after a new page.

type Part = typeof import("./call/index.ts");

let coming: Promise<Part> | null = null;

export function fetchCalling(): Promise<Part> {
  return (coming ??= import("./call/index.ts").catch((error: unknown) => {
    coming = null; // the next try asks again
    throw error;
  }));
}

/** The part, if it has been fetched: who has no call has nothing to end. */
export const calling = (): Promise<Part> | null => coming;
