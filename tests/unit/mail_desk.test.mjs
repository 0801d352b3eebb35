// Run by test_mail_desk.py. Node takes TypeScript without types away, so the sources are tested as they are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tooLarge } from "../../agent_ui/src/agent/mail/compose/size.ts";

const LIMIT = 64 * 1024; // LARGEST_EVENT in hub/sockets.py

test("what an event of the socket may not hold goes by REST", () => {
  for (const sign of ["a", "é", "好", "🙂", '"', "\n", "\u2028"]) {
    for (const count of [0, 1, 9_000, 14_000, 19_000, 29_000, 59_000, 61_000, 70_000, 400_000]) {
      const payload = { html: sign.repeat(count) };
      const bytes = new TextEncoder().encode(JSON.stringify(payload)).length;
      if (bytes > LIMIT) assert.ok(tooLarge(payload), `${count} of ${sign}`);
      if (bytes < 50_000) assert.ok(!tooLarge(payload), `${count} of ${sign}`);
    }
  }
});
