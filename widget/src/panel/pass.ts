// What lets a form in: a puzzle is fetched and solved while the visitor writes, out of sight. For each kind of form one
// store of passes; each pass lets one form in.

import { ask } from "./link.ts";
import { state } from "./state.ts";
import { solve } from "./work.ts";

/** What the hub answers to the event that begins a form. */
export interface Begun {
  ticket: string;
  nonce: string;
  bits: number;
  wait_ms: number;
}

export interface Pass {
  ticket: string;
  counter: number;
  /** Not before; by this browser's clock. */
  due: number;
}

/** Old, used up or not ours: begun anew without anybody's noticing. */
export const STALE = ["form.expired", "form.used", "form.unsolved", "auth.required"];
const AGAIN_MS = 5000;

/** Passes of one kind of form; `begun` hears what the hub said beside the puzzle. */
export class Passes<B extends Begun> {
  private coming: Promise<Pass> | null = null;
  private failedAt = -Infinity;

  constructor(
    private readonly event: string,
    private readonly begun: (answer: B) => void,
  ) {}

  /** Begins while the visitor still writes. Where it cannot, sending does it. */
  prepare(): void {
    if (!this.coming && Date.now() > this.failedAt + AGAIN_MS) this.next().catch(() => {});
  }

  /** One that nobody else gets. */
  async take(): Promise<Pass> {
    const pass = await this.next();
    this.coming = null;
    return pass;
  }

  /** One that was not used after all. */
  giveBack(pass: Pass): void {
    this.coming ??= Promise.resolve(pass);
  }

  private next(): Promise<Pass> {
    return (this.coming ??= this.begin().catch((error: unknown) => {
      this.coming = null;
      this.failedAt = Date.now();
      throw error;
    }));
  }

  private async begin(): Promise<Pass> {
    const answer = await ask<B>(this.event, {});
    const due = Date.now() + answer.wait_ms;
    this.begun(answer);
    return { ticket: answer.ticket, due, counter: await work(answer.nonce, answer.bits) };
  }
}

function work(nonce: string, bits: number): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const worker = new Worker(state.boot.worker);
    worker.onmessage = ({ data }: MessageEvent<number>) => (resolve(data), worker.terminate());
    worker.onerror = reject;
    worker.postMessage({ nonce, bits });
  }).catch(() => here(nonce, bits));
}

/** Without a worker: in pieces that nobody feels. */
async function here(nonce: string, bits: number): Promise<number> {
  const PIECE = 2000;
  for (let from = 0; ; from += PIECE) {
    const found = solve(nonce, bits, from, PIECE);
    if (found >= 0) return found;
    await pause(0);
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
