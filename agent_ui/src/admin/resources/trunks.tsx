// Trunks: the SIP connections to phone networks, and how each of them does now.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../../common/api.ts";
import type { Field } from "../../common/form/fields.ts";
import type { Row } from "../../common/form/paths.ts";
import { t } from "../../common/i18n.ts";
import { rowText } from "../data.ts";
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("trunks", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("trunks", name, fields);
const options = (area: string, values: readonly string[]) => values.map((value) => ({ value, label: t(`admin.trunks.${area}.${value}`) }));
const LOOK_MS = 5000;

interface Health {
  id: string;
  reachable: boolean | null;
  status: number | null;
  registered: boolean | null;
  problem: string;
  calls: number;
  tls: "verified" | "unverified" | "refused" | null;
}

const health = signal<ReadonlyMap<string, Health>>(new Map());
let watchers = 0;
let timer: number | undefined;

async function look(): Promise<void> {
  try {
    const found = await api<{ items: Health[] }>("GET", "trunk-health");
    health.value = new Map(found.items.map((item) => [item.id, item]));
  } catch {
    health.value = new Map();
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
  return health.value.get(id);
}

function standing(found: Health | undefined, row: Row): { words: string; tone: string } {
  if (row["enabled"] === false) return { words: t("admin.trunks.state.off"), tone: "offline" };
  if (!found) return { words: t("admin.trunks.state.unknown"), tone: "offline" };
  if (found.tls === "refused") return { words: t("admin.trunks.state.refused", { problem: found.problem }), tone: "not_responding" };
  if (found.problem && found.registered === null) return { words: found.problem, tone: "not_responding" };
  if (found.registered === false) return { words: t("admin.trunks.state.not_registered", { problem: found.problem }), tone: "not_responding" };
  if (found.reachable === false) return { words: t("admin.trunks.state.silent"), tone: "not_responding" };
  if (found.registered) return { words: t("admin.trunks.state.registered"), tone: "available" };
  if (found.reachable) return { words: t("admin.trunks.state.answers"), tone: "available" };
  return { words: t("admin.trunks.state.receives"), tone: "offline" };
}

function State({ row }: { row: Row }) {
  const found = useHealth(rowText(row, "id"));
  const { words, tone } = standing(found, row);
  const calls = found && found.calls > 0 ? ` · ${t("admin.trunks.calls_now", { count: found.calls })}` : "";
  const careless = found?.tls === "unverified" ? ` · ${t("admin.trunks.state.unverified")}` : "";
  return <span class="trunk-state"><span class={`dot ${tone}`} />{words}{careless}{calls}</span>;
}

const comes = (row: Row) => ((row["networks"] ?? []) as string[]).join(", ");
const ways: Readonly<Record<string, string>> = { udp: "UDP", tcp: "TCP", tls: "TLS", auto: "UDP/TCP" };
const goes = (row: Row) => {
  const host = rowText(row, "host");
  return host ? `${host}${row["port"] ? `:${String(row["port"])}` : ""} ${ways[rowText(row, "transport")] ?? ""}` : "";
};
const out = (row: Row) => rowText(row, "host") !== "";
const secure = (row: Row) => out(row) && rowText(row, "transport") === "tls";
const verified = (row: Row) => secure(row) && row["verify"] !== false;
const named = (row: Row) => rowText(row, "username") !== "";
const lines = (value: unknown) => ((value ?? []) as string[]).map((line) => line.trim()).filter((line) => line !== "");

export const trunks: Resource = {
  path: "trunks",
  permission: "admin.config",
  icon: "phone",
  needs: [],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  dim: (row) => row["enabled"] === false,
  columns: () => [
    { key: "name", label: t("admin.trunks.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "state", label: t("admin.trunks.state"), text: () => "", cell: (row) => <State row={row} /> },
    { key: "host", label: t("admin.trunks.goes"), extra: true, text: goes, cell: (row) => goes(row) || <span class="none">{t("admin.trunks.goes.nowhere")}</span> },
    { key: "networks", label: t("admin.trunks.networks"), extra: true, text: comes, cell: (row) => <code>{comes(row)}</code> },
  ],
  fresh: () => ({
    id: "", name: "", enabled: true, networks: [], host: "", port: null, transport: "udp", backups: [], redirects: [],
    verify: true, ca: "", certificate: "", key: "", username: "", password: "", realm: "",
    register: false, codecs: ["PCMU", "PCMA"], dtmf: "rfc4733", region: "", calls: 100, calls_per_s: 20, caller_id: "", follow: false, announce: "answer",
  }),
  outgoing: (row) => ({
    ...row, networks: lines(row["networks"]), backups: lines(row["backups"]), redirects: lines(row["redirects"]),
    host: rowText(row, "host").trim(), port: row["port"] ?? null,
    region: rowText(row, "region").trim().toUpperCase(), caller_id: rowText(row, "caller_id").trim(),
    ...(secure(row) ? {} : { verify: true, ca: "", certificate: "", key: "" }),
    ...(named(row) ? {} : { password: "", realm: "", register: false }),
  }),
  sections: (_row, isNew) => [
    section("trunk", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("enabled", { kind: "switch" }),
    ]),
    section("in", [
      field("networks", { kind: "lines", add: t("admin.trunks.networks.add"), placeholder: "203.0.113.0/24" }),
      field("region", { kind: "text", max: 2, mono: true, half: true, placeholder: "DE" }),
      field("announce", { kind: "select", options: options("announce", ["answer", "early"]), required: true, half: true }),
    ]),
    section("out", [
      field("host", { kind: "text", max: 253, mono: true, half: true, placeholder: "sip.example.net" }),
      field("port", { kind: "number", min: 1, max: 65535, nullable: true, half: true, when: out }),
      field("transport", { kind: "select", options: options("transport", ["udp", "tcp", "tls", "auto"]), required: true, half: true, when: out }),
      field("caller_id", { kind: "text", max: 21, mono: true, half: true, placeholder: "+4930123456", when: out }),
      field("backups", { kind: "lines", add: t("admin.trunks.backups.add"), placeholder: "sip2.example.net", when: out }),
      field("redirects", { kind: "lines", add: t("admin.trunks.redirects.add"), placeholder: "203.0.113.0/24", when: out }),
      field("follow", { kind: "switch", when: out }),
      field("verify", { kind: "switch", when: secure }),
      field("ca", { kind: "text", max: 105, mono: true, half: true, placeholder: "file:acme-ca.pem", when: verified }),
      field("certificate", { kind: "text", max: 105, mono: true, half: true, placeholder: "file:acme.pem", when: secure }),
      field("key", { kind: "text", max: 105, mono: true, half: true, placeholder: "file:acme.key", when: (row) => secure(row) && rowText(row, "certificate") !== "" }),
    ]),
    section("account", [
      field("username", { kind: "text", max: 120, mono: true, half: true }),
      field("password", { kind: "text", max: 104, mono: true, half: true, placeholder: "env:CONTACTHUB_TRUNK", when: named }),
      field("realm", { kind: "text", max: 120, mono: true, half: true, when: named }),
      field("register", { kind: "switch", when: (row) => named(row) && out(row) }),
    ]),
    section("audio", [
      field("codecs", { kind: "choices", options: options("codec", ["PCMU", "PCMA", "G722"]) }),
      field("dtmf", { kind: "select", options: options("dtmf", ["rfc4733", "inband", "info"]), required: true, half: true }),
    ]),
    section("limits", [
      field("calls", { kind: "number", min: 1, max: 10000, half: true }),
      field("calls_per_s", { kind: "number", min: 1, max: 1000, half: true }),
    ]),
  ],
};
