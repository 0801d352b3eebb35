// Sites: the customers' web sites and the widget on each of them.
import { field as fieldOf, idField, section as sectionOf, slug, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import { get, type Row, type Value } from "../../common/form/paths.ts";
import { LANGUAGES, t } from "../../common/i18n.ts";
import { languageLabel, nameIn, optionsOf, rowText } from "../data.ts";
import { IdentityButton } from "../identity.tsx";
import { SitePreview } from "../site-preview.tsx";
import { Snippet } from "../snippet.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("sites", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("sites", name, fields);

const PRESETS = ["#0b6e63", "#1d5fbf", "#6d3fc0", "#b42318", "#8f5500", "#14202b"];
const FIELD_TYPES = ["text", "email", "tel", "textarea", "select", "checkbox"];
const FILE_TYPES = ["image/*", "application/pdf", "text/plain", "text/csv", "application/zip", "audio/*", "video/*"];
/** Languages of the widget that an administrator can offer: ours, and others that come as one file each. */
const LOCALES = [...Object.keys(LANGUAGES), "de", "es", "fr", "it", "nl", "pl", "pt", "tr", "ar", "he", "ja", "ko"];
const MB = 1_000_000;

const list = (value: Value | undefined) => (Array.isArray(value) ? value : []);
const locales = (row: Row) => {
  const chosen = list(row["locales"]) as string[];
  return chosen.length ? chosen : [rowText(row, "locale") || "en"];
};
const languageOptions = (tags: readonly string[]) => tags.map((value) => ({ value, label: languageLabel(value) }));
const named = (area: string, values: readonly string[]) => values.map((value) => ({ value, label: t(`admin.sites.${area}.${value}`) }));

/** Sizes are shown in MB and sent in bytes. */
function incoming(row: Row): Row {
  const bytes = get(row, "files.max_bytes");
  const files = (row["files"] ?? {}) as Row;
  return { ...row, files: { ...files, max_mb: typeof bytes === "number" ? Math.round(bytes / (MB / 10)) / 10 : 20 } };
}

function outgoing(row: Row): Row {
  const { max_mb, ...files } = (row["files"] ?? {}) as Row;
  // Topics and invitations are told apart by an id that nobody needs to think of.
  const withIds = (items: Value | undefined, name: (item: Row) => string) => {
    const used = new Set<string>();
    return (list(items) as Row[]).map((item, index) => {
      let id = rowText(item, "id") || slug(name(item)) || `item-${index + 1}`;
      while (used.has(id)) id = `${id}-${index + 1}`;
      used.add(id);
      return { ...item, id };
    });
  };
  const first = (value: Value | undefined) => String(Object.values((value ?? {}) as Row)[0] ?? "");
    return {
    ...row,
    privacy_url: row["privacy_url"] || null,
    theme: { ...((row["theme"] ?? {}) as Row), logo: get(row, "theme.logo") || null },
    files: { ...files, max_bytes: Math.round(Number(max_mb ?? 20) * MB) },
    topics: withIds(row["topics"], (topic) => first(topic["label"])),
    invitations: withIds(row["invitations"], (item) => first(item["text"])),
  };
}

export const sites: Resource = {
  path: "sites",
  permission: "admin.config",
  icon: "globe",
  needs: ["queues", "skills"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.sites.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "id", label: t("admin.id"), text: (row) => rowText(row, "id"), cell: (row) => <code>{rowText(row, "id")}</code> },
    { key: "topics", label: t("admin.sites.topics"), extra: true, text: (row) => (list(row["topics"]) as Row[]).map((topic) => nameIn("queues", rowText(topic, "queue"))).join(", "), cell: (row) => list(row["topics"]).length, numeric: true },
    { key: "locales", label: t("admin.sites.locales"), extra: true, text: (row) => locales(row).map(languageLabel).join(", "), cell: (row) => locales(row).map(languageLabel).join(", ") },
    { key: "origins", label: t("admin.sites.allowed_origins"), extra: true, text: (row) => list(row["allowed_origins"]).join(" "), cell: (row) => <span class="cut">{list(row["allowed_origins"]).join(", ")}</span> },
  ],
  fresh: () => ({
    id: "", name: "", allowed_origins: [], locale: "en", locales: Object.keys(LANGUAGES), page_info: true, email: true, privacy_url: null, idle_reminder_s: 300, idle_close_s: 900,
    default_queue: null, topics: [], invitations: [],
    theme: { accent: "#0b6e63", scheme: "auto", position: "end", logo: null, greeting: {}, launcher: {} },
    files: { max_mb: 20, types: ["image/*", "application/pdf", "text/plain"] },
    cobrowse: {
      on: true, paused: [], record: false, keep_days: 90,
      card: [["first_name", "given-name"], ["last_name", "family-name"], ["name", "name"], ["email", "email"], ["phone", "tel"]].map(([value, match]) => ({ value, match: [match] })) as Value[],
    },
    prechat: [
      { name: "name", type: "text", label: {}, required: true, options: [] },
      { name: "email", type: "email", label: {}, required: true, options: [] },
      { name: "topic", type: "select", label: {}, required: true, options: [] },
      { name: "question", type: "textarea", label: {}, required: true, options: [] },
    ],
  }),
  incoming,
  outgoing,
  sections: (_row, isNew) => [
    section("site", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("allowed_origins", { kind: "lines", format: "origin", add: t("admin.sites.allowed_origins.add"), placeholder: "https://www.example.com" }),
      field("page_info", { kind: "switch" }),
      field("email", { kind: "switch" }),
      field("privacy_url", { kind: "text", format: "link", placeholder: "https://www.example.com/privacy", mono: true }),
    ]),
    section("look", [
      field("theme.accent", { kind: "colour", presets: PRESETS, required: true }),
      field("theme.scheme", { kind: "select", options: named("scheme", ["auto", "light", "dark"]), required: true, half: true }),
      field("theme.position", { kind: "select", options: named("position", ["end", "start"]), required: true, half: true }),
      field("theme.logo", { kind: "text", format: "link", mono: true, placeholder: "https://www.example.com/logo.svg" }),
    ]),
    section("texts", [
      field("locales", { kind: "choices", options: languageOptions(LOCALES) }),
      field("locale", { kind: "select", options: (row) => languageOptions(locales(row)), required: true }),
      field("theme.launcher", { kind: "texts", locales, max: 60, placeholder: "Talk to an agent" }),
      field("theme.greeting", { kind: "texts", locales, multiline: true, max: 500 }),
    ]),
    section("topics", [
      field("topics", {
        kind: "rows", add: t("admin.sites.topics.add"), none: t("admin.sites.topics.none"), itemName: t("admin.sites.topic"),
        fresh: () => ({ id: "", label: {}, queue: null, skills: {} }),
        fields: [
          { ...field("topic_label", { kind: "texts", locales, required: true, max: 120 }), name: "label" },
          { ...field("topic_queue", { kind: "select", options: () => optionsOf("queues"), required: true }), name: "queue" },
          { ...field("topic_skills", { kind: "levels", options: () => optionsOf("skills"), min: 1, max: 5, add: t("admin.queues.skills.add") }), name: "skills" },
        ],
      }),
      field("default_queue", { kind: "select", options: () => optionsOf("queues"), empty: t("admin.sites.default_queue.none") }),
    ]),
    section("prechat", [
      field("prechat", {
        kind: "rows", add: t("admin.sites.prechat.add"), none: t("admin.sites.prechat.none"), itemName: t("admin.sites.prechat.item"),
        fresh: () => ({ name: "", type: "text", label: {}, required: false, options: [] }),
        fields: [
          { ...field("prechat_name", { kind: "text", required: true, max: 40, mono: true, half: true }), name: "name" },
          { ...field("prechat_type", { kind: "select", options: named("type", FIELD_TYPES), required: true, half: true }), name: "type" },
          { ...field("prechat_label", { kind: "texts", locales, max: 120 }), name: "label", when: (item: Row) => !["name", "email", "topic", "question"].includes(rowText(item, "name")) },
          { ...field("prechat_options", { kind: "lines", add: t("admin.sites.prechat_options.add") }), name: "options", when: (item: Row) => item["type"] === "select" && item["name"] !== "topic" },
          { ...field("prechat_required", { kind: "switch" }), name: "required" },
        ],
      }),
    ]),
    section("invitations", [
      field("invitations", {
        kind: "rows", add: t("admin.sites.invitations.add"), none: t("admin.sites.invitations.none"), itemName: t("admin.sites.invitation"),
        fresh: () => ({ id: "", after_s: 30, url_pattern: "*", text: {} }),
        fields: [
          field("after_s", { kind: "number", required: true, min: 1, max: 3600, unit: t("admin.unit.seconds"), half: true }),
          field("url_pattern", { kind: "text", required: true, max: 300, mono: true, half: true }),
          { ...field("invitation_text", { kind: "texts", locales, multiline: true, required: true, max: 500 }), name: "text" },
        ],
      }),
    ]),
    section("conversation", [
      field("idle_reminder_s", { kind: "number", required: true, min: 10, max: 86_400, unit: t("admin.unit.seconds"), half: true }),
      field("idle_close_s", { kind: "number", required: true, min: 20, max: 172_800, unit: t("admin.unit.seconds"), half: true }),
      field("files.max_mb", { kind: "number", required: true, min: 0.1, max: 200, unit: "MB", half: true }),
      field("files.types", { kind: "choices", options: FILE_TYPES.map((value) => ({ value, label: t(`admin.sites.file.${value}`) })) }),
    ]),
    section("cobrowse", [
      field("cobrowse.on", { kind: "switch" }),
      field("cobrowse.paused", { kind: "lines", add: t("admin.sites.cobrowse.paused.add"), placeholder: "/account/*" }),
      field("cobrowse.card", {
        kind: "rows", add: t("admin.sites.cobrowse.card.add"), none: t("admin.sites.cobrowse.card.none"), itemName: t("admin.sites.cobrowse.card.item"),
        fresh: () => ({ value: "", match: [] }),
        fields: [
          { ...field("cobrowse_card_value", { kind: "text", required: true, max: 80, mono: true, half: true }), name: "value" },
          { ...field("cobrowse_card_match", { kind: "lines", required: true, add: t("admin.sites.cobrowse_card_match.add"), placeholder: "given-name" }), name: "match" },
        ],
      }),
      field("cobrowse.record", { kind: "switch" }),
      field("cobrowse.keep_days", { kind: "number", required: true, min: 1, max: 36_500, unit: t("admin.unit.days"), half: true }),
    ]),
  ],
  aside: (row) => <SitePreview row={row} />,
  below: (row) => <Snippet id={rowText(row, "id")} locale={rowText(row, "locale")} />,
  actions: (row, reload) => <IdentityButton row={row} onDone={reload} />,
};
