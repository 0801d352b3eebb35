import { useState } from "preact/hooks";
import { Button, Dialog, Empty, Field, toast, toastError } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { command } from "../../common/socket.ts";
import { directory, me, queues } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";
import { customerName } from "../mine.ts";
import { AgentChoice, bySoonest, Choice, matches } from "./choice.tsx";
import { leaveFor } from "./next.ts";

type Target = { queue: string } | { agent: string };
type Kind = "all" | "queue" | "agent";

/** Gives the contact to a queue or to a colleague, who sees the note first; its age goes along. */
async function transfer(contact: string, target: Target, note: string): Promise<void> {
  await command("contact:transfer", { contact, ...target, ...(note.trim() ? { note: note.trim() } : {}) });
}

/** The queues and colleagues whose name has the words, each under its heading. */
function Targets({ contact, kind, query, target, onChoose }: {
  contact: Contact;
  kind: Kind;
  query: string;
  target: Target | null;
  onChoose: (target: Target) => void;
}) {
  const places = kind === "agent" ? [] : directory.value.queues.filter(({ name }) => matches(name, query));
  const people = kind === "queue" ? [] : directory.value.agents.filter(({ id, name }) => id !== me.value?.id && matches(name, query));
  if (places.length + people.length === 0) return <Empty title={t("agent.transfer.nothing")} />;
  return (
    <div class="choices" role="radiogroup" aria-label={t("agent.transfer.to")}>
      {places.length > 0 && <h3 class="pop-head">{t("agent.transfer.queue")}</h3>}
      {places.map(({ id, name }) => {
        const waiting = queues.value.find((queue) => queue.id === id)?.waiting;
        return (
          <Choice
            key={id}
            checked={target !== null && "queue" in target && target.queue === id}
            before={<span class="tile"><Icon name="queue" small /></span>}
            label={name}
            hint={id === contact.queue?.id
              ? t("agent.transfer.same_queue")
              : waiting === undefined ? "" : t("agent.transfer.waiting", { count: waiting })}
            onChoose={() => onChoose({ queue: id })}
          />
        );
      })}
      {people.length > 0 && <h3 class="pop-head">{t("agent.transfer.agent")}</h3>}
      {bySoonest(people).map((colleague) => (
        <AgentChoice
          key={colleague.id}
          agent={colleague}
          checked={target !== null && "agent" in target && target.agent === colleague.id}
          onChoose={() => onChoose({ agent: colleague.id })}
        />
      ))}
    </div>
  );
}

export function TransferDialog({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const [kind, setKind] = useState<Kind>("all");
  const [query, setQuery] = useState("");
  const [target, setTarget] = useState<Target | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async () => {
    if (!target || busy) return;
    setBusy(true);
    try {
      await transfer(contact.id, target, note);
      onClose();
      leaveFor(contact.id);
      toast(t("agent.transfer.done", { name: customerName(contact, t("agent.unnamed")) }), "ok");
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  };
  return (
    <Dialog
      title={t("agent.transfer.title", { name: customerName(contact, t("agent.unnamed")) })}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" icon="transfer" disabled={!target} busy={busy}>{t("agent.transfer.do")}</Button>
        </>
      }
    >
      <div class="form">
        <div class="choose-head">
          <div class="segmented" role="radiogroup" aria-label={t("agent.transfer.kind")}>
            {(["all", "queue", "agent"] as const).map((value) => (
              <button
                key={value}
                type="button"
                role="radio"
                aria-checked={kind === value}
                onClick={() => {
                  setKind(value);
                  setTarget(null);
                }}
              >
                {t(`agent.transfer.to_${value}`)}
              </button>
            ))}
          </div>
          <label class="with-icon">
            <Icon name="search" />
            <input
              class="field"
              type="search"
              aria-label={t("agent.transfer.find")}
              placeholder={t("agent.transfer.find")}
              value={query}
              onInput={(event) => setQuery(event.currentTarget.value)}
            />
          </label>
        </div>
        <Targets contact={contact} kind={kind} query={query} target={target} onChoose={setTarget} />
        <Field label={t("agent.transfer.note")} optional lines={2} maxLength={4000} value={note} onInput={setNote} help={t("agent.transfer.note_help")} />
      </div>
    </Dialog>
  );
}
