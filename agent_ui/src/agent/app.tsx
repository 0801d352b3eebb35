import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../common/i18n.ts";
import { Why } from "../common/routing/why.tsx";
import { Rail, RailItem, Shell } from "../common/shell.tsx";
import { connection } from "../common/socket.ts";
import { ready } from "../common/store.ts";
import { Cobrowsing, useCobrowse } from "./cobrowse/panel.tsx";
import { CustomerPane } from "./customer/customer.tsx";
import { NewMail } from "./mail/new-mail.tsx";
import { mine, selected } from "./mine.ts";
import { dialog } from "./phone/dialogs.ts";
import { PhoneDialogs } from "./phone/phone-dialogs.tsx";
import { route, selectedId, showList, showNewMail, showSearch } from "./route.ts";
import { SearchView } from "./search/search.tsx";
import { Settings, settingsOpen } from "./settings/settings.tsx";
import { sheetOpen } from "./settings/sheet-open.ts";
import { SignatureDialog } from "./settings/signature.tsx";
import { ShortcutSheet } from "./settings/sheet.tsx";
import { ContactList } from "./side/contacts.tsx";
import { InvitationCard } from "./side/invitation.tsx";
import { OfferCard } from "./side/offer.tsx";
import { PresenceCard } from "./side/presence.tsx";
import { Waiting } from "./side/waiting.tsx";
import { Conversation, NoConversation } from "./talk/conversation.tsx";
import { openForeign, unwatch } from "./threads.ts";

const phone = matchMedia("(max-width: 720px)");
const stacked = signal(phone.matches);
phone.addEventListener("change", () => (stacked.value = phone.matches));

const missing = signal<string | null>(null);

/** What is open and not mine (from search, history, a link, or given away) is watched while it is open. */
function useForeignContact(id: string | null): void {
  const online = connection.value === "online";
  const held = mine.value.some((contact) => contact.id === id);
  useEffect(() => {
    if (!id || !online || held) return;
    missing.value = null;
    openForeign(id).catch(() => (missing.value = id));
  }, [id, online, held]);
  useEffect(() => {
    if (!id) return;
    return () => unwatch(id);
  }, [id]);
}

function Stage() {
  const id = selectedId.value;
  const contact = selected.value;
  useForeignContact(id);
  const cobrowsing = useCobrowse(contact);
  if (route.value.view === "search") return <main class="stage whole"><SearchView /></main>;
  if (route.value.view === "mail") return <main class="stage whole"><NewMail /></main>;
  if (!contact) {
    return <main class="stage whole">{(id === null || missing.value === id) && ready.value ? <NoConversation missing={id !== null} /> : null}</main>;
  }
  return (
    <main class={cobrowsing ? "stage cobrowsing" : "stage"}>
      <Conversation contact={contact} />
      {cobrowsing ? <Cobrowsing contact={contact} /> : <CustomerPane key={contact.id} contact={contact} />}
    </main>
  );
}

export function App() {
  const { view, pane } = route.value;
  const unread = mine.value.reduce((sum, contact) => sum + contact.unread, 0);
  return (
    <Shell>
      <div class="app" data-pane={pane}>
        <Rail
          page="/agent"
          menu={[{ label: t("agent.keys"), icon: "keys", end: <kbd>?</kbd>, onSelect: () => (sheetOpen.value = true) }]}
          foot={<RailItem icon="sliders" label={t("agent.settings")} onClick={() => (settingsOpen.value = true)} />}
        >
          <RailItem icon="inbox" label={t("common.nav.inbox")} current={view === "inbox"} count={pane === "list" ? 0 : unread} onClick={showList} />
          <RailItem icon="search" label={t("agent.search")} current={view === "search"} onClick={showSearch} />
          <RailItem icon="mail" label={t("mail.new")} current={view === "mail"} onClick={showNewMail} />
          <RailItem icon="keypad" label={t("phone.dial")} onClick={() => (dialog.value = { name: "dial" })} />
        </Rail>
        <div class="side" role={stacked.value && pane === "list" ? "main" : "complementary"} aria-label={t("agent.side")}>
          <h1 class="vh narrow-title">{t("common.nav.inbox")}</h1>
          <PresenceCard />
          <div class="lists">
            <ContactList />
            <Waiting />
          </div>
          <OfferCard />
          <InvitationCard />
        </div>
        <Stage />
      </div>
      <Settings />
      <SignatureDialog />
      <PhoneDialogs />
      <ShortcutSheet />
      <Why />
    </Shell>
  );
}
