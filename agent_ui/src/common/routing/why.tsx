// The answer to "Why?" about one contact: where it waits, what it asks for, which rules had a say, and who comes next.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { api } from "../api.ts";
import { Dialog, Empty } from "../components/index.ts";
import { errorText } from "../errors.ts";
import { t } from "../i18n.ts";
import { contacts, directory } from "../store.ts";
import type { Contact } from "../types.ts";
import { Explanation, type RoutingView } from "./explanation.tsx";
import "./words.ts";

const AGAIN_MS = 5_000;

/** The contact whose reasons are shown. */
const asked = signal<string | null>(null);
/** What is known of it where the page does not follow it. */
const seen = signal<Contact | undefined>(undefined);

export function askWhy(id: string, contact?: Contact): void {
  asked.value = id;
  seen.value = contact;
}

function known(id: string): Contact | undefined {
  return contacts.value.get(id) ?? seen.value;
}

const waiting = (phase: string | undefined) => phase === "queued" || phase === "offered";

function Content({ id }: { id: string }) {
  const [view, setView] = useState<RoutingView | null>(null);
  const [error, setError] = useState<unknown>(null);
  const contact = known(id);
  const waits = contact ? waiting(contact.phase) : (view?.position ?? null) !== null;
  useEffect(() => {
    const load = () =>
      api<RoutingView>("GET", `contacts/${encodeURIComponent(id)}/routing`).then(
        (next) => {
          setView(next);
          setError(null);
        },
        setError,
      );
    void load();
    if (!waits) return;
    const timer = setInterval(load, AGAIN_MS); // agents come and go while it waits
    return () => clearInterval(timer);
  }, [id, waits]);
  if (error !== null && view === null) return <Empty icon="warn" title={t("routing.why.failed")}><p>{errorText(error)}</p></Empty>;
  if (view === null) return <div class="skeleton why-shape" role="status" aria-label={t("common.loading")} />;
  return (
    <Explanation
      view={view}
      waits={waits}
      queueName={(queue) => directory.value.queues.find((row) => row.id === queue)?.name ?? contact?.queue?.name ?? queue}
      skillName={(skill) => directory.value.skills.find((row) => row.id === skill)?.name ?? skill}
    />
  );
}

/** Stands once in a page; what is asked about is shown above everything else. */
export function Why() {
  const id = asked.value;
  if (id === null) return null;
  const contact = known(id);
  const name = contact && (contact.customer.name || contact.customer.email || contact.customer.phone);
  return (
    <Dialog key={id} wide title={t(waiting(contact?.phase) ? "routing.why.waiting" : "routing.why.title")} subtitle={name || undefined} onClose={() => (asked.value = null)}>
      <Content id={id} />
    </Dialog>
  );
}
