// The frame of every signed-in page: the rail with the mark, the ways to the other pages, and the user's menu.

import { effect, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { signOut } from "./api.ts";
import { boot, may, type Theme } from "./boot.ts";
import { attempt, Avatar, Confirm, Menu, type MenuEntry, Toasts } from "./components/index.ts";
import { LANGUAGES, locale, t } from "./i18n.ts";
import { Icon, type IconName, Mark } from "./icons.tsx";
import { setLanguage, setTheme, theme } from "./prefs.ts";
import { connection } from "./socket.ts";
import { me, presence } from "./store.ts";

const LOST_MS = 2_000;

const pages: { href: string; icon: IconName; key: string; permission: string }[] = [
  { href: "/agent", icon: "inbox", key: "common.nav.inbox", permission: "contact.handle" },
  { href: "/supervisor", icon: "chart", key: "common.nav.wallboard", permission: "live.view" },
  { href: "/calls", icon: "phone", key: "common.nav.calls", permission: "contact.read_all" },
  ...(boot.callbacks ? [{ href: "/callbacks", icon: "callback" as const, key: "common.nav.callbacks", permission: "callback.manage" }] : []),
  { href: "/admin", icon: "gear", key: "common.nav.admin", permission: "admin.config" },
];

const themes: { value: Theme; icon: IconName }[] = [
  { value: "light", icon: "sun" },
  { value: "dark", icon: "moon" },
  { value: "auto", icon: "auto" },
];

/** One place in the rail: a way to a page, or a button for a view of this page. */
export function RailItem({ icon, label, href, current, count, onClick, class: extra = "" }: {
  icon: IconName;
  label: string;
  href?: string | undefined;
  current?: boolean | undefined;
  count?: number | undefined;
  onClick?: (() => void) | undefined;
  class?: string | undefined;
}) {
  const content = (
    <>
      <Icon name={icon} />
      {count ? <span class="badge" aria-hidden="true">{count > 99 ? "99+" : count}</span> : null}
    </>
  );
  const name = count ? t("common.nav.with_count", { label, count }) : label;
  const classes = `rail-item ${extra}`;
  return href
    ? <a class={classes} href={href} aria-label={name} title={label} aria-current={current ? "page" : undefined}>{content}</a>
    : <button type="button" class={classes} aria-label={name} title={label} aria-current={current ? "true" : undefined} onClick={onClick}>{content}</button>;
}

function UserMenu({ entries }: { entries: MenuEntry[] }) {
  const user = me.value;
  if (!user) return null;
  const items: MenuEntry[] = [
    { heading: `${user.name} · ${t(`common.role.${user.role}`)}` },
    ...entries,
    "line",
    { heading: t("common.theme") },
    ...themes.map(({ value, icon }): MenuEntry => ({
      label: t(`common.theme.${value}`),
      icon,
      checked: theme.value === value,
      onSelect: () => void attempt(() => setTheme(value)),
    })),
    "line",
    { heading: t("common.language") },
    ...Object.entries(LANGUAGES).map(([value, label]): MenuEntry => ({
      label,
      checked: locale === value,
      onSelect: () => void (locale === value || attempt(() => setLanguage(value))),
    })),
    "line",
    { label: t("common.sign_out"), icon: "out", onSelect: () => void signOut() },
  ];
  return (
    <Menu label={t("common.account", { name: user.name })} items={items} class="me" align="start">
      <Avatar name={user.name} />
      {presence.value && <span class={`dot ${presence.value.state}`} />}
    </Menu>
  );
}

/** The rail. `children` are this page's own places and stand where its way would; `menu` its entries in the user's menu. */
export function Rail({ page, children, foot, menu = [] }: {
  page: string;
  children?: ComponentChildren;
  foot?: ComponentChildren;
  menu?: MenuEntry[] | undefined;
}) {
  const open = pages.filter(({ permission }) => may(permission));
  return (
    <nav class="rail" aria-label={t("common.nav")}>
      <Mark />
      {open.map(({ href, icon, key }) => (
        href === page && children
          ? children
          : <RailItem key={href} href={href} icon={icon} label={t(key)} current={href === page} />
      ))}
      <span class="push" />
      {foot}
      <UserMenu entries={menu} />
    </nav>
  );
}

const lost = signal(false);
let timer: ReturnType<typeof setTimeout> | undefined;
effect(() => {
  clearTimeout(timer);
  if (connection.value === "offline") timer = setTimeout(() => (lost.value = true), LOST_MS);
  else lost.value = false;
});

function ConnectionLost() {
  return (
    <div role="status">
      {lost.value && <p class="lost"><span class="ring-busy" />{t("common.connection_lost")}</p>}
    </div>
  );
}

/** What belongs to every page, once: the lost-connection line, questions and toasts. */
export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      {children}
      <ConnectionLost />
      <Confirm />
      <Toasts />
    </>
  );
}
