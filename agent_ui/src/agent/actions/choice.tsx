import type { ComponentChildren } from "preact";
import { Icon } from "../../common/icons.tsx";

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

/** Whether a name has the words that were typed, in any case. */
export function matches(name: string, query: string): boolean {
  return name.toLocaleLowerCase().includes(query.trim().toLocaleLowerCase());
}
