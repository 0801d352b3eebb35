import type { ComponentChildren } from "preact";
import { Avatar } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import type { Directory, PresenceState } from "../../common/types.ts";

/** One of the rows of which a dialog wants one chosen. */
export function Choice({ checked, before, label, hint, disabled, onChoose }: {
  checked: boolean;
  disabled?: boolean | undefined;
  before: ComponentChildren;
  label: string;
  hint: ComponentChildren;
  onChoose: () => void;
}) {
  return (
    <button type="button" role="radio" aria-checked={checked} class="choice" disabled={disabled} onClick={onChoose}>
      {before}
      <span class="cut">{label}</span>
      <span class="hint">{hint}</span>
      <Icon name="check" class="tick" />
    </button>
  );
}

const ORDER: PresenceState[] = ["available", "busy", "wrap_up", "away", "not_responding", "offline"];

/** Colleagues, who can answer soonest first. */
export function bySoonest(agents: Directory["agents"]): Directory["agents"] {
  return [...agents].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.name.localeCompare(b.name));
}

/** A colleague as a choice; who is not signed in cannot be chosen, and the state says why. */
export function AgentChoice({ agent: { name, state }, checked, onChoose }: {
  agent: Directory["agents"][number];
  checked: boolean;
  onChoose: () => void;
}) {
  return (
    <Choice
      checked={checked}
      disabled={state === "offline"}
      before={<Avatar name={name} small />}
      label={name}
      hint={<><span class={`dot ${state}`} />{t(`common.state.${state}`)}</>}
      onChoose={onChoose}
    />
  );
}

/** Whether a name has the words that were typed, in any case. */
export function matches(name: string, query: string): boolean {
  return name.toLocaleLowerCase().includes(query.trim().toLocaleLowerCase());
}
