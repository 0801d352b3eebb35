// Solves one puzzle, away from the page's own thread.

import { solve } from "./work.ts";

onmessage = ({ data: { nonce, bits } }: MessageEvent<{ nonce: string; bits: number }>) => postMessage(solve(nonce, bits));
