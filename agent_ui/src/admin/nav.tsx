// The way through the administration: a list at the left, one choice in the head where the window is narrow.
import { may } from "../common/boot.ts";
import { Combobox } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Icon, type IconName } from "../common/icons.tsx";
import { href, route } from "./router.ts";

interface Entry {
  page: string;
  icon: IconName;
  permission: string;
}

const groups: { name: string; entries: Entry[] }[] = [
  { name: "people", entries: [
    { page: "users", icon: "team", permission: "admin.users" },
    { page: "roles", icon: "shield", permission: "admin.users" },
  ] },
  { name: "routing", entries: [
    { page: "queues", icon: "queue", permission: "admin.config" },
    { page: "rules", icon: "filter", permission: "admin.config" },
    { page: "skills", icon: "star", permission: "admin.config" },
    { page: "groups", icon: "team", permission: "admin.config" },
    { page: "hours", icon: "clock", permission: "admin.config" },
    { page: "blocks", icon: "lock", permission: "admin.config" },
    { page: "try", icon: "branch", permission: "live.view" },
  ] },
  { name: "customers", entries: [{ page: "sites", icon: "globe", permission: "admin.config" }] },
  { name: "desk", entries: [
    { page: "canned", icon: "book", permission: "admin.config" },
    { page: "outcomes", icon: "tag", permission: "admin.config" },
    { page: "reasons", icon: "status", permission: "admin.config" },
  ] },
  { name: "mail", entries: [
    { page: "mailboxes", icon: "mail", permission: "admin.config" },
    { page: "mail-rules", icon: "branch", permission: "admin.config" },
    { page: "mail-templates", icon: "book", permission: "admin.config" },
    { page: "triage", icon: "chart", permission: "live.view" },
  ] },
  { name: "connections", entries: [
    { page: "trunks", icon: "phone", permission: "admin.config" },
    { page: "numbers", icon: "hash", permission: "admin.config" },
    { page: "webhooks", icon: "hook", permission: "admin.webhooks" },
    { page: "tokens", icon: "key", permission: "admin.tokens" },
  ] },
  { name: "records", entries: [
    { page: "audit", icon: "file", permission: "admin.audit" },
    { page: "system", icon: "pulse", permission: "api.use" },
  ] },
];

/** The groups with the pages that this user may open. */
function allowed() {
  return groups
    .map((group) => ({ ...group, entries: group.entries.filter((entry) => may(entry.permission)) }))
    .filter((group) => group.entries.length > 0);
}

export function firstPage(): string {
  return allowed()[0]?.entries[0]?.page ?? "";
}

export function mayOpen(page: string): boolean {
  return allowed().some((group) => group.entries.some((entry) => entry.page === page));
}

export function Nav() {
  const current = route.value.page || firstPage();
  return (
    <nav class="admin-nav" aria-label={t("admin.nav")}>
      <p class="nav-title">{t("admin.title")}</p>
      {allowed().map((group) => (
        <section key={group.name} aria-labelledby={`nav-${group.name}`}>
          <h2 id={`nav-${group.name}`}>{t(`admin.group.${group.name}`)}</h2>
          <ul>
            {group.entries.map(({ page, icon }) => (
              <li key={page}>
                <a href={href(page)} aria-current={page === current ? "page" : undefined}>
                  <Icon name={icon} small />
                  {t(`admin.${page}.title`)}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

/** The same on a narrow window, where the list has no room. */
export function SectionChoice() {
  const current = route.value.page || firstPage();
  const options = allowed().flatMap((group) =>
    group.entries.map(({ page, icon }) => ({
      value: page,
      label: t(`admin.${page}.title`),
      group: t(`admin.group.${group.name}`),
      before: <Icon name={icon} />,
    })),
  );
  return (
    <div class="section-choice">
      <Combobox label={t("admin.nav")} value={current} options={options} onChange={(page) => (location.hash = href(page))} class="btn icon quiet">
        <Icon name="menu" />
      </Combobox>
    </div>
  );
}
