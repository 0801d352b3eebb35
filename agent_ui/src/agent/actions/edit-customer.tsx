import { useState } from "preact/hooks";
import { Button, Dialog, Field, IconButton, toast, toastError } from "../../common/components/index.ts";
import { HubError } from "../../common/errors.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { request } from "../../common/socket.ts";
import type { Customer } from "../../common/types.ts";
import { customerCard, loadCustomer, putCustomer } from "../customers.ts";
import { OwnerChoice, ownerName } from "../customer/owner.tsx";

interface Changes extends Partial<Values> {
  fields?: Record<string, string>;
  /** null: nobody. */
  owner?: string | null;
}
type Values = Pick<Customer, "name" | "email" | "phone" | "language" | "note">;
const NAMES = ["name", "email", "phone", "language", "note"] as const;
const LONGEST = { name: 200, email: 254, phone: 40, language: 35, note: 4000 } as const;

/** Saves what was changed; `version` is the one that was looked at. @throws HubError "contact.conflict" and the like */
async function editCustomer(id: string, version: number, changes: Changes): Promise<void> {
  const { customer } = await request<{ customer: Customer }>("customer:edit", { customer: id, version, ...changes });
  putCustomer(customer);
}

function isConflict(error: unknown): boolean {
  return error instanceof HubError && (error.code.endsWith(".conflict") || error.status === 409);
}

/** Own fields: a name and a value each. */
function OwnFields({ fields, onChange }: { fields: [string, string][]; onChange: (fields: [string, string][]) => void }) {
  const put = (index: number, entry: [string, string]) => onChange(fields.map((old, at) => (at === index ? entry : old)));
  return (
    <fieldset class="own-fields">
      <legend class="label">{t("agent.customer.fields")}</legend>
      {fields.map(([name, value], index) => (
        <div key={index} class="own-field">
          <input class="field" aria-label={t("agent.customer.field_name")} maxLength={60} value={name} onInput={(event) => put(index, [event.currentTarget.value, value])} />
          <input class="field" aria-label={t("agent.customer.field_value", { name })} maxLength={2000} value={value} onInput={(event) => put(index, [name, event.currentTarget.value])} />
          <IconButton icon="x" label={t("agent.customer.field_remove", { name })} onClick={() => onChange(fields.filter((_, at) => at !== index))} />
        </div>
      ))}
      <Button small icon="plus" onClick={() => onChange([...fields, ["", ""]])}>{t("agent.customer.field_add")}</Button>
    </fieldset>
  );
}

/** The form. When somebody else saved meanwhile it keeps what was typed, shows what is there now, and asks again. */
export function EditCustomerDialog({ customer: opened, onClose }: { customer: Customer; onClose: () => void }) {
  const [base, setBase] = useState(opened);
  const [values, setValues] = useState<Record<string, string>>(() => Object.fromEntries(NAMES.map((name) => [name, opened[name] ?? ""])));
  const [fields, setFields] = useState<[string, string][]>(Object.entries(opened.fields));
  const [owner, setOwner] = useState(opened.owner);
  const [theirs, setTheirs] = useState<Customer | null>(null);
  const [errorAt, setErrorAt] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const changes = (): Changes => {
    const changed = NAMES.filter((name) => values[name] !== (base[name] ?? "")).map((name) => [name, values[name]?.trim() ?? ""]);
    const own = Object.fromEntries(fields.map(([name, value]) => [name.trim(), value.trim()]).filter(([name]) => name));
    const same = JSON.stringify(own) === JSON.stringify(base.fields);
    return { ...(Object.fromEntries(changed) as Partial<Values>), ...(same ? {} : { fields: own }), ...(owner === base.owner ? {} : { owner }) };
  };
  const save = async () => {
    if (busy) return;
    setBusy(true);
    setErrorAt(null);
    try {
      const changed = changes();
      if (Object.keys(changed).length > 0) await editCustomer(base.id, base.version, changed);
      toast(t("agent.customer.saved"), "ok");
      onClose();
    } catch (error) {
      setBusy(false);
      if (isConflict(error)) {
        const told = error instanceof HubError ? error.details["customer"] as Customer | undefined : undefined;
        if (told) putCustomer(told);
        else await loadCustomer(base.id);
        const latest = customerCard(base.id).value.customer;
        if (latest) {
          setTheirs(latest);
          setBase(latest);
        }
      } else if (error instanceof HubError && typeof error.details["path"] === "string") {
        setErrorAt(error.details["path"]);
      } else {
        toastError(error);
      }
    }
  };
  const field = (name: (typeof NAMES)[number]) => {
    const now = theirs && values[name] !== (theirs[name] ?? "") ? theirs[name] || t("agent.customer.nothing") : null;
    return (
      <Field
        label={t(`agent.customer.${name}`)}
        type={name === "email" ? "email" : name === "phone" ? "tel" : "text"}
        lines={name === "note" ? 3 : undefined}
        maxLength={LONGEST[name]}
        value={values[name] ?? ""}
        onInput={(value) => setValues({ ...values, [name]: value })}
        help={now && t("agent.customer.theirs", { value: now })}
        error={errorAt?.includes(name) ? t("agent.customer.invalid") : null}
      />
    );
  };
  return (
    <Dialog
      title={t("agent.customer.edit")}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" busy={busy}>{t(theirs ? "agent.customer.save_mine" : "common.save")}</Button>
        </>
      }
    >
      <div class="form">
        {theirs && <p class="conflict" role="alert"><Icon name="warn" small />{t("agent.customer.conflict")}</p>}
        {field("name")}
        <div class="cols">{field("email")}{field("phone")}</div>
        {field("language")}
        <OwnerChoice
          owner={owner}
          onChange={setOwner}
          theirs={theirs && theirs.owner !== owner ? t("agent.customer.theirs", { value: ownerName(theirs.owner) ?? t("agent.customer.nobody") }) : null}
          invalid={errorAt === "owner"}
        />
        {field("note")}
        <OwnFields fields={fields} onChange={setFields} />
      </div>
    </Dialog>
  );
}
