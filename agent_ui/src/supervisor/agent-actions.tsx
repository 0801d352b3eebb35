// What a supervisor does to an agent: set the status, log out.
import { may } from "../common/boot.ts";
import { attempt, confirm, Menu, type MenuEntry, toast } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { request } from "../common/socket.ts";
import { directory } from "../common/store.ts";
import type { AgentRow } from "../common/types.ts";

async function setStatus(agent: AgentRow, state: "available" | "away" | "offline", reason: { id: string; label: string } | null): Promise<void> {
  const done = await attempt(() => request("agent:set_presence", { agent: agent.id, state, reason: reason?.id ?? null }));
  if (done) toast(t("supervisor.status.set", { name: agent.name, state: reason?.label ?? t(`common.state.${state}`) }), "ok");
}

export function SetStatus({ agent, children, class: classes }: { agent: AgentRow; children?: preact.ComponentChildren; class?: string }) {
  if (!may("agent.set_status")) return null;
  const items: MenuEntry[] = [
    { heading: t("supervisor.status.heading", { name: agent.name }) },
    { label: t("common.state.available"), checked: ["available", "busy", "wrap_up"].includes(agent.state), onSelect: () => void setStatus(agent, "available", null) },
    { label: t("supervisor.status.away"), checked: agent.state === "away" && !agent.reason, onSelect: () => void setStatus(agent, "away", null) },
    ...directory.value.reasons.map((reason): MenuEntry => ({
      label: reason.label,
      checked: agent.state === "away" && agent.reason === reason.id,
      onSelect: () => void setStatus(agent, "away", reason),
    })),
    "line",
    { label: t("supervisor.status.offline"), checked: agent.state === "offline", onSelect: () => void setStatus(agent, "offline", null) },
  ];
  return (
    <Menu label={t("supervisor.set_status")} items={items} class={classes ?? "btn small quiet icon"}>
      {children ?? <Icon name="status" small />}
    </Menu>
  );
}

export function LogOut({ agent }: { agent: AgentRow }) {
  if (!may("agent.logout")) return null;
  const out = agent.state === "offline" && agent.contacts.length === 0;
  const logOut = async () => {
    const open = agent.contacts.filter((contact) => contact.phase !== "wrapping").length;
    const sure = await confirm({
      title: t("supervisor.log_out.title", { name: agent.name }),
      text: open ? t("supervisor.log_out.text", { count: open }) : t("supervisor.log_out.free"),
      action: t("supervisor.log_out"),
      danger: true,
    });
    if (!sure) return;
    if (await attempt(() => request("agent:logout", { agent: agent.id }))) toast(t("supervisor.log_out.done", { name: agent.name }), "ok");
  };
  return (
    <button
      type="button"
      class="btn small quiet icon"
      aria-label={t("supervisor.log_out")}
      title={out ? t("supervisor.log_out.already") : t("supervisor.log_out")}
      disabled={out}
      onClick={() => void logOut()}
    >
      <Icon name="out" small />
    </button>
  );
}
