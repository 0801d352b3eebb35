import type { ComponentChildren } from "preact";
import { Avatar } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import type { Directory, PresenceState } from "../../common/types.ts";

/** One of the rows of which a dialog wants one chosen. */
export function Choice({ checked, before, label, hint, onChoose }: {
  checked: boolean;
  before: ComponentChildren;
  label: string;
  hint: ComponentChildren;
  onChoose: () => void;
}) {
  return (
    <button type="button" role="radio" aria-checked={checked} class="choice" onClick={onChoose}>
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

/** A colleague as a choice, with the state that says how soon an answer may come. */
export function AgentChoice({ agent: { name, state }, checked, onChoose }: {
  agent: Directory["agents"][number];
  checked: boolean;
  onChoose: () => void;
}) {
  return (
    <Choice
      checked={checked}
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
