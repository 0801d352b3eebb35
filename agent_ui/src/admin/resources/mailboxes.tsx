// Mailboxes: where mail comes from and whom it is given to, and how each of them does now.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../../common/api.ts";
import type { Field } from "../../common/form/fields.ts";
import type { Row } from "../../common/form/paths.ts";
import { LANGUAGES, number, t } from "../../common/i18n.ts";
import { clockOrDay } from "../../common/time.ts";
import { nameIn, optionsOf, rowText } from "../data.ts";
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("mailboxes", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("mailboxes", name, fields);
const options = (area: string, values: readonly string[]) => values.map((value) => ({ value, label: t(`admin.mailboxes.${area}.${value}`) }));
const languages = () => Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
const LOOK_MS = 3000;

interface Health {
  id: string;
  state: string;
  problem: string;
  code: string;
  last_at: number | null;
  backlog_total: number;
  backlog_taken: number;
}

const health = signal<ReadonlyMap<string, Health> | null>(null);
let watchers = 0;
let timer: number | undefined;

async function look(): Promise<void> {
  try {
    const found = await api<{ items: Health[] }>("GET", "mailboxes/health");
    health.value = new Map(found.items.map((item) => [item.id, item]));
  } catch {
    health.value = null;
  }
  if (watchers > 0) timer = window.setTimeout(() => void look(), LOOK_MS);
}

/** Asks while somebody looks, however many rows are shown. */
function useHealth(id: string): Health | undefined {
  useEffect(() => {
    watchers += 1;
    if (watchers === 1) void look();
    return () => {
      watchers -= 1;
      if (watchers === 0) window.clearTimeout(timer);
    };
  }, []);
  return health.value?.get(id);
}

const TONES: Record<string, string> = { direct: "available", idle: "available", backlog: "busy", held: "available", connecting: "wrap_up", elsewhere: "available", trouble: "not_responding" };

function standing(found: Health | undefined, row: Row): { words: string; tone: string } {
  if (row["enabled"] === false) return { words: t("admin.mailboxes.state.off"), tone: "offline" };
  if (!found) return { words: t("admin.mailboxes.state.unknown"), tone: "offline" };
  const tone = found.problem && found.state !== "off" ? "not_responding" : TONES[found.state] ?? "offline";
  return { words: found.problem || t(`admin.mailboxes.state.${found.state}`), tone };
}

/** The backlog of a mailbox that was connected for the first time: newest first, so what is new is here already. */
function Backlog({ found }: { found: Health }) {
  if (found.backlog_total === 0 || found.backlog_taken >= found.backlog_total) return null;
  const words = t("admin.mailboxes.backlog", { taken: number(found.backlog_taken), total: number(found.backlog_total) });
  return (
    <span class="backlog">
      <progress max={found.backlog_total} value={found.backlog_taken} aria-label={words} />
      <span class="num">{words}</span>
    </span>
  );
}

function State({ row }: { row: Row }) {
  const found = useHealth(rowText(row, "id"));
  const { words, tone } = standing(found, row);
  return (
    <span class="mailbox-state">
      <span class="trunk-state"><span class={`dot ${tone}`} />{words}</span>
      {found && <Backlog found={found} />}
    </span>
  );
}

/** Beside the form: how the saved mailbox does, in full. */
function Standing({ row }: { row: Row }) {
  const found = useHealth(rowText(row, "id"));
  const { words, tone } = standing(found, row);
  return (
    <>
      <div class="aside-head"><h2>{t("admin.mailboxes.health")}</h2></div>
      <p class="trunk-state" role="status"><span class={`dot ${tone}`} />{words}</p>
      {found && <Backlog found={found} />}
      {found?.last_at && <p class="help">{t("admin.mailboxes.last", { time: clockOrDay(found.last_at) })}</p>}
    </>
  );
}

const inner = (row: Row, key: string): Row => (row[key] ?? {}) as Row;
const reads = (row: Row) => inner(row, "inbound")["kind"] === "imap";
const sends = (row: Row) => inner(row, "outbound")["kind"] === "smtp";
const auth = (row: Row, way: "inbound" | "outbound") => rowText(inner(row, way), "auth");
const byPassword = (way: "inbound" | "outbound", on: (row: Row) => boolean) => (row: Row) => on(row) && auth(row, way) === "password";
const byToken = (way: "inbound" | "outbound", on: (row: Row) => boolean) => (row: Row) => on(row) && !["password", "none"].includes(auth(row, way));
const named = (way: "inbound" | "outbound", on: (row: Row) => boolean) => (row: Row) => on(row) && auth(row, way) !== "none";
const signs = (row: Row) => sends(row) && inner(row, "outbound")["sign"] === true;
const lines = (value: unknown) => ((value ?? []) as string[]).map((line) => line.trim()).filter((line) => line !== "");

/** How an account signs in is one choice here, and a password or an `oauth` for the hub. */
function authOf(way: Row): string {
  const oauth = way["oauth"] as Row | null | undefined;
  if (oauth) return rowText(oauth, "provider");
  return way["username"] ? "password" : "none";
}

const OAUTH: Row = { provider: "custom", token_url: "", client_id: "", secret: "", refresh_token: "", scope: "" };

function shown(way: Row, direction: "in" | "out"): Row {
  const oauth = { ...OAUTH, ...((way["oauth"] ?? {}) as Row) };
  const kind = authOf(way);
  return { ...way, oauth, auth: direction === "in" && kind === "none" ? "password" : kind };
}

function taken(way: Row): Row {
  const { auth: kind, sign, ...rest } = way;
  const oauth = (rest["oauth"] ?? {}) as Row;
  const token = kind !== "none" && kind !== "password";
  const texts = Object.fromEntries(Object.entries(oauth).map(([key, value]) => [key, typeof value === "string" ? value.trim() : value ?? ""]));
  return {
    ...rest,
    host: rowText(rest, "host").trim(),
    username: kind === "none" ? "" : rowText(rest, "username").trim(),
    secret: kind === "password" ? rowText(rest, "secret").trim() : "",
    oauth: token ? { ...texts, provider: kind ?? "custom" } : null,
    ...("dkim" in rest ? { dkim: sign === true ? rest["dkim"] ?? null : null } : {}),
  };
}

const DKIM: Row = { domain: "", selector: "", key: "" };

function incoming(row: Row): Row {
  const outbound = inner(row, "outbound");
  return {
    ...row,
    inbound: shown(inner(row, "inbound"), "in"),
    outbound: { ...shown(outbound, "out"), sign: Boolean(outbound["dkim"]), dkim: outbound["dkim"] ?? DKIM },
  };
}

function outgoing(row: Row): Row {
  const inbound = taken(inner(row, "inbound"));
  return {
    ...row,
    aliases: lines(row["aliases"]),
    inbound: { ...inbound, folders: lines(inbound["folders"]).length ? lines(inbound["folders"]) : ["INBOX"] },
    outbound: taken(inner(row, "outbound")),
  };
}

const SECRET = "env:CONTACTHUB_MAIL";

/** The fields of one way, in or out, that say how the account signs in. */
function account(way: "inbound" | "outbound", on: (row: Row) => boolean, ways: readonly string[]): Field[] {
  const named_ = named(way, on);
  const token = byToken(way, on);
  const label = (name: string) => `${way}.${name}`;
  return [
    field(label("auth"), { kind: "select", options: options("auth", ways), required: true, half: true, when: on }),
    field(label("username"), { kind: "text", max: 254, mono: true, half: true, when: named_ }),
    field(label("secret"), { kind: "text", max: 104, mono: true, half: true, placeholder: SECRET, when: byPassword(way, on) }),
    field(label("oauth.client_id"), { kind: "text", max: 300, mono: true, half: true, when: token }),
    field(label("oauth.secret"), { kind: "text", max: 104, mono: true, half: true, placeholder: `${SECRET}_CLIENT`, when: token }),
    field(label("oauth.refresh_token"), { kind: "text", max: 104, mono: true, half: true, placeholder: `${SECRET}_TOKEN`, when: token }),
    field(label("oauth.token_url"), { kind: "text", max: 500, mono: true, half: true, placeholder: "https://", when: token }),
    field(label("oauth.scope"), { kind: "text", max: 300, mono: true, half: true, when: token }),
  ];
}

export const mailboxes: Resource = {
  path: "mailboxes",
  permission: "admin.config",
  icon: "mail",
  needs: ["queues"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  dim: (row) => row["enabled"] === false,
  columns: () => [
    {
      key: "name", label: t("admin.mailboxes.name"), text: (row) => `${rowText(row, "name")} ${rowText(row, "address")}`,
      cell: (row) => <span class="two-lines"><b>{rowText(row, "name")}</b><span class="cut">{rowText(row, "address")}</span></span>,
    },
    { key: "state", label: t("admin.mailboxes.health"), text: () => "", cell: (row) => <State row={row} /> },
    { key: "queue", label: t("admin.mailboxes.queue"), extra: true, text: (row) => nameIn("queues", rowText(row, "queue")), cell: (row) => nameIn("queues", rowText(row, "queue")) },
  ],
  fresh: () => ({
    id: "", name: "", address: "", aliases: [], display_name: "", queue: null, language: "en", enabled: true,
    inbound: { kind: "imap", host: "", port: 993, security: "tls", username: "", secret: "", oauth: OAUTH, auth: "password", folders: ["INBOX"], after: "flag", move_to: "", poll_s: 60, backlog_days: null },
    outbound: { kind: "smtp", host: "", port: 587, security: "starttls", username: "", secret: "", oauth: OAUTH, auth: "password", per_minute: 60, sign: false, dkim: DKIM },
    acknowledge: false, acknowledgement: {}, signature: "", reopen_days: 14, thread_days: 7,
  }),
  incoming,
  outgoing,
  asideLabel: "admin.mailboxes.health",
  aside: (row, isNew) => (isNew ? null : <Standing row={row} />),
  sections: (_row, isNew) => [
    section("mailbox", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("address", { kind: "text", required: true, format: "email", max: 254, half: true, placeholder: "support@example.com" }),
      field("queue", { kind: "select", options: () => optionsOf("queues"), required: true, half: true }),
      field("display_name", { kind: "text", max: 120, half: true }),
      field("language", { kind: "select", options: languages(), required: true, half: true }),
      field("aliases", { kind: "lines", add: t("admin.mailboxes.aliases.add"), format: "email", placeholder: "help@example.com" }),
      field("enabled", { kind: "switch" }),
    ]),
    section("in", [
      field("inbound.kind", { kind: "select", options: options("inbound.kind", ["imap", "direct", "none"]), required: true }),
      field("inbound.host", { kind: "text", max: 253, mono: true, half: true, placeholder: "imap.example.com", when: reads }),
      field("inbound.port", { kind: "number", min: 1, max: 65535, half: true, when: reads }),
      field("inbound.security", { kind: "select", options: options("security", ["tls", "starttls", "none"]), required: true, half: true, when: reads }),
      ...account("inbound", reads, ["password", "microsoft", "google", "custom"]),
      field("inbound.folders", { kind: "lines", add: t("admin.mailboxes.folders.add"), placeholder: "INBOX", when: reads }),
      field("inbound.after", { kind: "select", options: options("after", ["flag", "move"]), required: true, half: true, when: reads }),
      field("inbound.move_to", { kind: "text", max: 200, half: true, when: (row) => reads(row) && inner(row, "inbound")["after"] === "move" }),
      field("inbound.poll_s", { kind: "number", min: 5, max: 3600, unit: t("admin.unit.seconds"), half: true, when: reads }),
      field("inbound.backlog_days", { kind: "number", min: 0, max: 36500, unit: t("admin.unit.days"), nullable: true, half: true, when: reads }),
    ]),
    section("out", [
      field("outbound.kind", { kind: "select", options: options("outbound.kind", ["smtp", "none", "demo"]), required: true }),
      field("outbound.host", { kind: "text", max: 253, mono: true, half: true, placeholder: "smtp.example.com", when: sends }),
      field("outbound.port", { kind: "number", min: 1, max: 65535, half: true, when: sends }),
      field("outbound.security", { kind: "select", options: options("security", ["starttls", "tls", "none"]), required: true, half: true, when: sends }),
      ...account("outbound", sends, ["password", "microsoft", "google", "custom", "none"]),
      field("outbound.per_minute", { kind: "number", min: 1, max: 100_000, half: true, when: sends }),
      field("outbound.sign", { kind: "switch", when: sends }),
      field("outbound.dkim.domain", { kind: "text", max: 190, mono: true, half: true, placeholder: "example.com", when: signs }),
      field("outbound.dkim.selector", { kind: "text", max: 63, mono: true, half: true, placeholder: "hub", when: signs }),
      field("outbound.dkim.key", { kind: "text", max: 104, mono: true, half: true, placeholder: "file:dkim.pem", when: signs }),
    ]),
    section("answers", [
      field("signature", { kind: "textarea", rows: 3, max: 8000 }),
      field("acknowledge", { kind: "switch" }),
      field("acknowledgement", { kind: "texts", locales: () => Object.keys(LANGUAGES), multiline: true, max: 8000, when: (row) => row["acknowledge"] === true }),
      field("reopen_days", { kind: "number", min: 0, max: 3650, unit: t("admin.unit.days"), half: true }),
      field("thread_days", { kind: "number", min: 0, max: 365, unit: t("admin.unit.days"), half: true }),
    ]),
  ],
};
