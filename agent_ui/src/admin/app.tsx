// The administration's frame: rail, sections, and one white sheet with the page.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Rail, Shell } from "../common/shell.tsx";
import { t } from "../common/i18n.ts";
import { AuditLog } from "./audit.tsx";
import { Revealed, ResourceEditor } from "./editor.tsx";
import { ResourceList } from "./list.tsx";
import { firstPage, mayOpen, Nav } from "./nav.tsx";
import type { Resource } from "./resource.tsx";
import { blocks } from "./resources/blocks.tsx";
import { canned } from "./resources/canned.tsx";
import { groups } from "./resources/groups.tsx";
import { hours } from "./resources/hours.tsx";
import { mailRules } from "./resources/mail-rules.tsx";
import { mailTemplates } from "./resources/mail-templates.tsx";
import { mailboxes } from "./resources/mailboxes.tsx";
import { numbers } from "./resources/numbers.tsx";
import { outcomes } from "./resources/outcomes.tsx";
import { queues } from "./resources/queues.tsx";
import { reasons } from "./resources/reasons.tsx";
import { rules } from "./resources/rules.tsx";
import { sites } from "./resources/sites.tsx";
import { skills } from "./resources/skills.tsx";
import { tokens } from "./resources/tokens.tsx";
import { trunks } from "./resources/trunks.tsx";
import { users } from "./resources/users.tsx";
import { webhooks } from "./resources/webhooks.tsx";
import { RolesPage } from "./roles.tsx";
import { route } from "./router.ts";
import { SystemPage } from "./system.tsx";
import { TriagePage } from "./triage.tsx";
import { TryPage } from "./try.tsx";

const resources: Record<string, Resource> = Object.fromEntries(
  [users, queues, rules, skills, groups, hours, blocks, sites, canned, outcomes, reasons, mailboxes, mailRules, mailTemplates, trunks, numbers, webhooks, tokens].map((resource) => [resource.path, resource]),
);

const pages: Record<string, () => ComponentChildren> = {
  roles: () => <RolesPage />,
  audit: () => <AuditLog resources={resources} />,
  system: () => <SystemPage />,
  try: () => <TryPage />,
  triage: () => <TriagePage />,
};

function Page() {
  const { id } = route.value;
  const page = route.value.page || firstPage();
  const resource = resources[page];
  if (!mayOpen(page)) return <Nowhere />;
  if (resource) {
    return id ? <ResourceEditor key={`${page}/${id}`} resource={resource} id={id} /> : <ResourceList key={page} resource={resource} />;
  }
  return pages[page]?.() ?? <Nowhere />;
}

function Nowhere() {
  return (
    <div class="empty">
      <b>{t("admin.nowhere.title")}</b>
      <p>{t("admin.nowhere.text")}</p>
      <a class="btn" href={`#/${firstPage()}`}>{t("admin.nowhere.back")}</a>
    </div>
  );
}

export function App() {
  const stage = useRef<HTMLElement>(null);
  const { page, id } = route.value;
  const first = useRef(true);
  useLayoutEffect(() => {
    document.title = `${t(`admin.${page || firstPage()}.title`)} · Contact Hub`;
    stage.current?.scrollTo(0, 0);
    // After a way within the page the reader of the screen hears where it led.
    if (!first.current) stage.current?.querySelector<HTMLElement>("h1")?.focus();
    first.current = false;
  }, [page, id]);
  return (
    <Shell>
      <div class="admin">
        <Rail page="/admin" />
        <Nav />
        <main class="sheet" ref={stage}>
          <Page />
        </main>
      </div>
      <Revealed />
    </Shell>
  );
}
