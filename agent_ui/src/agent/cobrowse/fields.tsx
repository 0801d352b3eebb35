// The fields that the site shares: chosen in the picture or from the list, filled here, sent with what stood in them.

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../common/components/index.ts";
import type { SharedField } from "../../common/cobrowse.ts";
import { t } from "../../common/i18n.ts";
import { type Line, picked, results, view } from "./line.ts";

/** A field by what it is called: its number is another after each new picture of the page. */
interface Named extends SharedField {
  key: string;
}

function named(fields: readonly SharedField[]): Named[] {
  const seen = new Map<string, number>();
  return fields.map((field) => {
    const name = `${field.kind} ${field.label}`;
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    return { ...field, key: `${name} ${nth}` };
  });
}

const TRIES = 3;

/** One field's own editor, of its kind. What was typed stays while the page is shown anew. */
function Editor({ field, line }: { field: Named; line: { current: Line | null } }) {
  const { epoch } = view.value;
  const [value, setValue] = useState(field.value);
  const [base, setBase] = useState(field.value);
  const [sent, setSent] = useState("");
  const [tried, setTried] = useState({ times: 0, epoch: 0 });
  const first = useRef<HTMLInputElement & HTMLSelectElement & HTMLTextAreaElement>(null);
  useEffect(() => first.current?.focus(), []);
  const send = (times: number) => {
    setTried({ times, epoch });
    setSent(line.current?.act("fill", epoch, field.node, field.label, value, base) ?? "");
  };
  const result = results.value.get(sent);
  useEffect(() => {
    // From here on this is what the field had when it was looked at.
    if (result === "done") setBase(value);
  }, [result]);
  useEffect(() => {
    // The page was shown anew in this very moment; the field is the same, and has its new number now.
    if (result === "stale" && tried.times < TRIES && tried.epoch !== epoch) send(tried.times + 1);
  }, [epoch, result]);
  const common = { ref: first, id: "cob-value", class: "field" };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send(0);
      }}
    >
      {field.kind === "check" || field.kind === "radio" ? (
        <label class="check"><input ref={first} type="checkbox" checked={value === "true"} onChange={(event) => setValue(String(event.currentTarget.checked))} /><span>{field.label}</span></label>
      ) : (
        <>
          <label class="label" for="cob-value">{field.label}</label>
          {field.kind === "select" ? (
            <select {...common} value={value} onChange={(event) => setValue(event.currentTarget.value)}>
              {field.options.map((option) => <option key={option.value} value={option.value}>{option.text}</option>)}
            </select>
          ) : field.kind === "area" ? (
            <textarea {...common} rows={4} value={value} onInput={(event) => setValue(event.currentTarget.value)} />
          ) : (
            <>
              <input {...common} type="text" list={field.options.length ? "cob-suggested" : undefined} value={value} autocomplete="off" onInput={(event) => setValue(event.currentTarget.value)} />
              <datalist id="cob-suggested">{field.options.map((option) => <option key={option.value} value={option.value} />)}</datalist>
            </>
          )}
        </>
      )}
      <Button type="submit" kind="primary" small>{t("cobrowse.fill")}</Button>
      <p class="help" role="status">{sent && t(`cobrowse.result.${result ?? "sent"}`)}</p>
    </form>
  );
}

/** What is done with the chosen element. */
export function Fields({ mode, line }: { mode: "fill" | "click"; line: { current: Line | null } }) {
  const fields = named(view.value.fields);
  const [key, setKey] = useState("");
  const [sent, setSent] = useState("");
  const chosen = picked.value;
  useEffect(() => {
    if (chosen?.mode === "fill") setKey(fields.find((one) => one.node === chosen.node)?.key ?? "");
  }, [chosen]);
  const field = fields.find((one) => one.key === key);
  useEffect(() => {
    if (mode === "fill") line.current?.frameNode(field?.node ?? 0);
  }, [field?.node]);
  if (mode === "click") {
    const result = results.value.get(sent);
    return (
      <section aria-labelledby="cob-press">
        <h3 id="cob-press">{t("cobrowse.press")}</h3>
        {chosen?.mode === "click" ? (
          <>
            <p><b>{chosen.label}</b></p>
            <Button kind="primary" small onClick={() => setSent(line.current?.act("click", chosen.epoch, chosen.node, chosen.label) ?? "")}>{t("cobrowse.press.do")}</Button>
          </>
        ) : <p class="quiet-text">{t("cobrowse.press.hint")}</p>}
        <p class="help" role="status">{sent && t(`cobrowse.result.${result ?? "sent"}`)}</p>
      </section>
    );
  }
  return (
    <section aria-labelledby="cob-fields">
      <h3 id="cob-fields">{t("cobrowse.fields")}</h3>
      {fields.length > 0 && (
        <div class="cob-card">
          <Button small onClick={() => line.current?.card()}>{t("cobrowse.card")}</Button>
          <p class="quiet-text">{t("cobrowse.card.hint")}</p>
        </div>
      )}
      {fields.length ? (
        <>
          <label class="label" for="cob-field">{t("cobrowse.fields.choose")}</label>
          <select id="cob-field" class="field" value={field ? key : ""} onChange={(event) => setKey(event.currentTarget.value)}>
            <option value="">{t("cobrowse.fields.none_chosen")}</option>
            {fields.map((one) => <option key={one.key} value={one.key}>{one.label}</option>)}
          </select>
          {field && <Editor key={key} field={field} line={line} />}
        </>
      ) : <p class="quiet-text">{t("cobrowse.fields.none")}</p>}
      {chosen?.mode === "fill" && !chosen.field && <p class="help" role="status">{t("cobrowse.fields.not_shared")}</p>}
    </section>
  );
}

/** As seen from the customer's page, where it can be. */
function absolute(address: string): string {
  try {
    return new URL(address, view.value.href).href;
  } catch {
    return address;
  }
}

/** Another page of the customer's site, for both; the customer is asked each time. */
export function OpenPage({ line }: { line: { current: Line | null } }) {
  const [address, setAddress] = useState("");
  const [sent, setSent] = useState("");
  const result = results.value.get(sent);
  return (
    <section aria-labelledby="cob-open">
      <h3 id="cob-open">{t("cobrowse.open")}</h3>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setSent(line.current?.act("navigate", view.value.epoch, 0, address, absolute(address)) ?? "");
        }}
      >
        <label class="label" for="cob-address">{t("cobrowse.open.address")}</label>
        <input id="cob-address" class="field" type="text" inputMode="url" autocomplete="off" required value={address} onInput={(event) => setAddress(event.currentTarget.value)} />
        <Button type="submit" kind="primary" small>{t("cobrowse.open.do")}</Button>
        <p class="help" role="status">{sent && t(`cobrowse.result.${result ?? "sent"}`)}</p>
      </form>
    </section>
  );
}
