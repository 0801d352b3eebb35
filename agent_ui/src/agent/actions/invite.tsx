import { useState } from "preact/hooks";
import { Button, Dialog, Empty, toast, toastError } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { command } from "../../common/socket.ts";
import { directory, me } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";
import { AgentChoice, bySoonest } from "./choice.tsx";

/** Asks a colleague into the conversation; they decide. */
export function InviteDialog({ contact, onClose }: { contact: Contact; onClose: () => void }) {
  const [agent, setAgent] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const there = new Set([me.value?.id, contact.agent?.id, ...contact.participants.map(({ id }) => id)]);
  const found = directory.value.agents.filter(({ id }) => !there.has(id));

  const submit = async () => {
    if (!agent || busy) return;
    setBusy(true);
    try {
      await command("contact:invite", { contact: contact.id, agent });
      onClose();
      toast(t("agent.invite.sent", { name: found.find(({ id }) => id === agent)?.name ?? "" }), "ok");
    } catch (error) {
      setBusy(false);
      toastError(error);
    }
  };
  return (
    <Dialog
      title={t("agent.invite.dialog")}
      subtitle={t("agent.invite.help")}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" icon="adduser" disabled={!agent} busy={busy}>{t("agent.invite.do")}</Button>
        </>
      }
    >
      {found.length === 0 ? <Empty title={t("agent.invite.nobody")} /> : (
        <div class="choices" role="radiogroup" aria-label={t("agent.transfer.agent")}>
          {bySoonest(found).map((colleague) => {
            const { id } = colleague;
            return <AgentChoice key={id} agent={colleague} checked={agent === id} onChoose={() => setAgent(id)} />;
          })}
        </div>
      )}
    </Dialog>
  );
}
