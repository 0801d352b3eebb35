// The customer's owner: the agent who looks after them, and is asked first whenever they come.
import { useId } from "preact/hooks";
import { Avatar, Combobox } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { directory, me } from "../../common/store.ts";

/** What the owner is called; null when there is none. */
export function ownerName(owner: string | null): string | null {
  if (!owner) return null;
  return directory.value.agents.find(({ id }) => id === owner)?.name ?? t("agent.customer.owner_gone");
}

const NOBODY = "";

/** Nobody, oneself, then the colleagues by name. An owner who has left can still be seen, and replaced. */
export function OwnerChoice({ owner, onChange, theirs, invalid }: {
  owner: string | null;
  onChange: (owner: string | null) => void;
  /** What somebody else has stored meanwhile. */
  theirs: string | null;
  invalid: boolean;
}) {
  const id = useId();
  const own = me.value?.id;
  const colleagues = directory.value.agents.filter((agent) => agent.id !== own);
  const person = (value: string, name: string, label = name) => ({ value, label, before: <Avatar name={name} small /> });
  const options = [
    { value: NOBODY, label: t("agent.customer.nobody") },
    ...directory.value.agents.filter((agent) => agent.id === own).map(({ id: value, name }) => person(value, name, t("agent.customer.owner_me", { name }))),
    ...colleagues.map(({ id: value, name }) => person(value, name)),
  ];
  const gone = owner && !options.some(({ value }) => value === owner) ? [{ value: owner, label: t("agent.customer.owner_gone") }] : [];
  return (
    <div>
      <label class="label" for={id}>{t("agent.customer.owner")}</label>
      <Combobox
        id={id}
        label={t("agent.customer.owner")}
        value={owner ?? NOBODY}
        options={[...options, ...gone]}
        onChange={(value) => onChange(value || null)}
        describedBy={`${id}-help${invalid ? ` ${id}-error` : ""}`}
      />
      <p id={`${id}-help`} class="help">{theirs ?? t("agent.customer.owner_help")}</p>
      {invalid && <p id={`${id}-error`} class="error-text"><Icon name="failed" />{t("agent.customer.invalid")}</p>}
    </div>
  );
}
