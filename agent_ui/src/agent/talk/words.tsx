// System lines in words. The hub sends a code with data; each client says it in its own language.

import type { ComponentChildren } from "preact";
import { has, t, tx } from "../../common/i18n.ts";
import { dateTime, duration } from "../../common/time.ts";
import type { Message } from "../../common/types.ts";

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** The sentence of a system line; names stand out. An unknown code shows what the hub wrote with it. */
export function systemWords({ code, data, text: fallback }: Message, customer: string): ComponentChildren {
  const value = (name: string) => text(data?.[name]);
  let key = `agent.system.${code}`;
  if (code === "ended") key = `agent.system.ended_${value("by") || "system"}`;
  if (code === "ended" && value("reason") === "waiting") key = "agent.system.ended_waiting";
  if (code === "rated" && value("comment")) key = "agent.system.rated_comment";
  if (!code && text(fallback)) return t("agent.system.told", { text: fallback }); // words of the hub's own to the customer
  if (!code || !has(key)) return fallback || code || "";
  if (code === "rated") return t(key, { score: Number(data?.["score"] ?? 0), comment: value("comment") });
  const bold = (words: string) => <b>{words}</b>;
  return tx(key, {
    name: bold(value("name") || t("agent.someone")),
    queue: bold(value("queue")),
    percent: value("percent"),
    words: value("words"),
    channel: bold(has(`common.channel.${value("channel")}`) ? t(`common.channel.${value("channel")}`) : value("channel")),
    by: bold(value("by")),
    from: bold(value("from")),
    customer: bold(customer),
    subject: bold(value("subject")),
    why: value("why"),
    due: bold(dateTime(Number(data?.["due"] ?? 0))),
    time: bold(duration(Number(data?.["ms"] ?? 0))),
  });
}
