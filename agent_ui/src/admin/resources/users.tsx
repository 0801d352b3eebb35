// Users: who signs in, with which role, and what they can handle.
import { Avatar } from "../../common/components/index.ts";
import { field as fieldOf, section as sectionOf, type Resource } from "../resource.tsx";
import { LANGUAGES, t } from "../../common/i18n.ts";
import type { Field } from "../../common/form/fields.ts";
import { nameIn, optionsOf, rowText } from "../data.ts";
import { Interrupts } from "../interrupts.tsx";
import { PasswordButton } from "../password.tsx";
import { TelephoneButton } from "../telephone.tsx";
import { filled } from "./queues.tsx";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("users", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("users", name, fields);

const ROLES = ["agent", "supervisor", "administrator"];
export const CHANNELS = ["chat", "voice", "email", "callback"];
const roles = () => ROLES.map((role) => ({ value: role, label: t(`common.role.${role}`) }));
const channels = () => CHANNELS.map((channel) => ({ value: channel, label: t(`common.channel.${channel}`) }));

export const users: Resource = {
  path: "users",
  permission: "admin.users",
  icon: "team",
  needs: ["skills", "queues"],
  removal: "disable",
  nameOf: (row) => rowText(row, "name"),
  dim: (row) => row["disabled"] === true,
  columns: () => [
    {
      key: "name", label: t("admin.users.name"), text: (row) => rowText(row, "name"),
      cell: (row) => <span class="person"><Avatar name={rowText(row, "name")} small /><span>{rowText(row, "name")}</span></span>,
    },
    { key: "username", label: t("admin.users.username"), text: (row) => rowText(row, "username"), cell: (row) => rowText(row, "username") },
    { key: "role", label: t("admin.users.role"), text: (row) => t(`common.role.${rowText(row, "role")}`), cell: (row) => t(`common.role.${rowText(row, "role")}`) },
    {
      key: "skills", label: t("admin.users.skills"), extra: true,
      text: (row) => Object.keys((row["skills"] ?? {}) as object).map((id) => nameIn("skills", id)).join(" "),
      cell: (row) => (
        <span class="chips">
          {Object.entries((row["skills"] ?? {}) as Record<string, number>).map(([id, level]) => (
            <span class="chip" key={id}>{nameIn("skills", id)} <b class="num">{level}</b></span>
          ))}
        </span>
      ),
    },
    {
      key: "state", label: t("admin.users.access"), extra: true, sort: (row) => (row["disabled"] ? 1 : 0),
      cell: (row) => (row["disabled"] ? <span class="chip warn">{t("admin.users.disabled")}</span> : t("admin.users.enabled")),
    },
  ],
  fresh: () => ({
    name: "", username: "", role: "agent", password: "", skills: {}, units: 100,
    maxima: { chat: 3, voice: 1, email: 5, callback: 1 }, auto_accept: [], costs: {}, interrupts: null, reserved: [], order: 100, locale: "en",
  }),
  outgoing: (row, isNew) => {
    const { password, ...whole } = row;
    const rest = { ...whole, costs: filled(row["costs"]) };
    return isNew && password ? { ...rest, password } : rest;
  },
  sections: (_row, isNew) => [
    section("person", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      field("username", { kind: "text", required: true, format: "username", half: true, mono: true }),
      ...(isNew ? [field("password", { kind: "text", type: "password", required: true, half: true })] : []),
      field("role", { kind: "select", options: roles, required: true, half: true }),
      field("locale", { kind: "select", options: Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })), half: true }),
      ...(isNew ? [] : [field("disabled", { kind: "switch" })]),
    ]),
    section("skills", [
      field("skills", { kind: "levels", options: () => optionsOf("skills"), min: 1, max: 5, add: t("admin.users.skills.add"), none: t("admin.users.skills.none") }),
    ]),
    section("capacity", [
      field("units", { kind: "number", min: 0, max: 10_000 }),
      ...CHANNELS.flatMap((channel) => [
        { kind: "number" as const, name: `maxima.${channel}`, label: t("admin.users.maximum", { channel: t(`common.channel.${channel}`) }), min: 0, max: 100, half: true },
        {
          kind: "number" as const, name: `costs.${channel}`, label: t("admin.users.cost", { channel: t(`common.channel.${channel}`) }), min: 1, max: 10_000,
          unit: t("admin.unit.units"), half: true, placeholder: t("admin.queues.offer.default"),
        },
      ]),
      field("interrupts", { kind: "custom", render: (props) => <Interrupts {...props} channels={channels()} /> }),
      field("auto_accept", { kind: "choices", options: channels }),
    ]),
    section("routing", [
      field("reserved", { kind: "choices", options: () => optionsOf("queues") }),
      field("order", { kind: "number", required: true, min: 0, max: 100_000, half: true }),
    ]),
  ],
  actions: (row) => (
    <>
      <TelephoneButton id={rowText(row, "id")} name={rowText(row, "name")} />
      <PasswordButton id={rowText(row, "id")} name={rowText(row, "name")} />
    </>
  ),
};
