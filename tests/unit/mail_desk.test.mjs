// Run by test_mail_desk.py. Node takes TypeScript without types away, so the sources are tested as they are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { attribution, passedOn } from "../../agent_ui/src/agent/mail/compose/quoting.ts";
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

const head = {
  at: Date.UTC(2026, 10, 22, 9, 5), subject: "订单 MK-42", cc: [],
  from: { name: "王伟", address: "wang@example.cn" }, to: [{ name: "", address: "support@hub.test" }],
};

test("a quotation begins with words of the mail's language", () => {
  assert.equal(attribution(head, ["zh"]), "王伟 于 2026年11月22日 09:05 写道：");
  assert.equal(attribution(head, ["zh", "zh-TW"]), "王伟 於 2026/11/22 09:05 寫道：");
  assert.equal(attribution(head, ["", "zh-CN"].filter(Boolean)), "王伟 于 2026年11月22日 09:05 写道：");
  assert.equal(attribution({ ...head, from: { name: "", address: "a@b.c" } }, ["en"]), "On 22 Nov 2026, 09:05, a@b.c wrote:");
  assert.equal(attribution(head, ["de", "zh-CN"]), "On 22 Nov 2026, 09:05, 王伟 wrote:");
  assert.equal(attribution(head, []), "On 22 Nov 2026, 09:05, 王伟 wrote:");
  assert.match(attribution(head, ["ar"]), /^في .+، كتب 王伟:$/);
});

test("what is passed on is headed in the mail's language", () => {
  assert.deepEqual(passedOn(head, ["zh"]), {
    title: "---------- 转发的邮件 ----------",
    lines: [["发件人：", "王伟 <wang@example.cn>"], ["日期：", "2026年11月22日 09:05"], ["主题：", "订单 MK-42"], ["收件人：", "support@hub.test"]],
  });
  assert.deepEqual(passedOn({ ...head, cc: head.to }, ["en-US"]).lines.map(([label]) => label), ["From: ", "Date: ", "Subject: ", "To: ", "Cc: "]);
});

// What other tests read: see test_quotations_are_found_again.
if (process.env.QUOTATIONS) {
  const { writeFileSync } = await import("node:fs");
  const found = ["en", "zh", "zh-TW", "ar"].map((each) => {
    const { title, lines } = passedOn(head, [each]);
    return [attribution(head, [each]), [title, ...lines.map((line) => line.join(""))].join("\n")];
  });
  writeFileSync(process.env.QUOTATIONS, JSON.stringify(found));
}
