// Webhooks: where the hub tells other systems what happened, and how that went.
import { field as fieldOf, section as sectionOf, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import type { Value } from "../../common/form/paths.ts";
import { list as inWords, t } from "../../common/i18n.ts";
import { rowText } from "../data.ts";
import { Deliveries } from "../deliveries.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("webhooks", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("webhooks", name, fields);

const types = (value: Value | undefined) => {
  const chosen = Array.isArray(value) ? value.map(String) : [];
  return chosen.includes("*") || chosen.length === 0 ? t("admin.webhooks.all") : inWords(chosen);
};

export const webhooks: Resource = {
  path: "webhooks",
  permission: "admin.webhooks",
  icon: "hook",
  needs: [],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.webhooks.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "url", label: t("admin.webhooks.url"), text: (row) => rowText(row, "url"), cell: (row) => <code class="cut">{rowText(row, "url")}</code> },
    { key: "types", label: t("admin.webhooks.types"), extra: true, text: (row) => types(row["types"]), cell: (row) => types(row["types"]) },
    {
      key: "enabled", label: t("admin.webhooks.state"), sort: (row) => (row["enabled"] === false ? 1 : 0),
      cell: (row) => (row["enabled"] === false ? <span class="chip">{t("admin.webhooks.off")}</span> : <span class="chip ok">{t("admin.webhooks.on")}</span>),
    },
  ],
  incoming: (row) => ({ ...row, secret: "" }),
  fresh: () => ({ name: "", url: "", types: ["*"], secret: "", enabled: true }),
  outgoing: (row) => {
    const { secret, ...rest } = row;
    const chosen = (row["types"] as string[] | undefined) ?? [];
    return { ...rest, ...(secret ? { secret } : {}), types: chosen.length ? chosen : ["*"] };
  },
  sections: (_row, isNew) => [
    section("webhook", [
      field("name", { kind: "text", required: true, max: 120 }),
      field("url", { kind: "text", format: "url", required: true, max: 2000, mono: true, placeholder: "https://crm.example.com/hooks/contact-hub" }),
      field("enabled", { kind: "switch" }),
    ]),
    section("events", [field("types", { kind: "lines", add: t("admin.webhooks.types.add"), placeholder: "contact.closed" })]),
    section("secret", [
      { ...field("secret", { kind: "text", type: "password", max: 200 }), ...(isNew ? {} : { hint: t("admin.webhooks.secret.keep") }) },
    ]),
  ],
  reveal: (saved) => (saved["secret"] ? { title: t("admin.webhooks.made"), text: t("admin.webhooks.made.text"), secret: rowText(saved, "secret") } : null),
  below: (row) => <Deliveries id={rowText(row, "id")} />,
};
