// What my mails end with: one signature, and others for single queues.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../common/api.ts";
import { Button, Combobox, Dialog, toast, toastError } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { directory } from "../../common/store.ts";
import { signAnew } from "../mail/compose/composing.ts";
import { type Editor, NO_TOOLS } from "../mail/compose/editing.ts";
import { plainText, textAsHtml } from "../mail/compose/plain.ts";
import { Toolbar } from "../mail/compose/toolbar.tsx";

export const signatureOpen = signal(false);

interface Signature {
  text: string;
  html: string;
}

interface Signatures extends Signature {
  queues: Record<string, Signature>;
}

const NONE: Signature = { text: "", html: "" };
const ALL = "";

/** The editor's field; begins anew for each queue. */
function Field({ of, label, onChange }: { of: Signature; label: string; onChange: (signature: Signature) => void }) {
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [tools, setTools] = useState(NO_TOOLS);
  useEffect(() => {
    let made: Editor | null = null;
    let here = true;
    import("../mail/compose/editor.ts").then(({ createEditor }) => {
      if (!here || !place.current) return;
      made = createEditor({
        place: place.current,
        id: "signature",
        html: of.html || textAsHtml(of.text),
        label,
        placeholder: t("mail.signature.placeholder"),
        onChange: (html) => onChange({ html, text: plainText(html) }),
        onActive: setTools,
        onSlash: () => undefined,
        onKey: () => false,
        onFiles: () => toast(t("mail.signature.no_files"), "warn"),
      });
      setEditor(made);
      made.focus();
    }, toastError);
    return () => {
      here = false;
      made?.destroy();
    };
  }, []);
  return (
    <div class="signature-box mail-composer">
      <div ref={place} class="editor blank" data-placeholder={t("mail.signature.placeholder")} />
      {editor ? <div class="signature-tools"><Toolbar editor={editor} active={tools} /></div> : <div class="editor-wait skeleton" aria-hidden="true" />}
    </div>
  );
}

function Form({ all, onClose }: { all: Signatures; onClose: () => void }) {
  const [edited, setEdited] = useState(all);
  const [queue, setQueue] = useState(ALL);
  const [busy, setBusy] = useState(false);
  const own = queue === ALL ? edited : edited.queues[queue];
  const change = (signature: Signature) =>
    setEdited((now) => (queue === ALL ? { ...now, ...signature } : { ...now, queues: { ...now.queues, [queue]: signature } }));
  const save = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const known = new Set(directory.value.queues.map(({ id }) => id));
      const queues = Object.fromEntries(Object.entries(edited.queues).filter(([id, { text }]) => known.has(id) && text));
      await api("PATCH", "me", { mail_signature: { text: edited.text, html: edited.text ? edited.html : "", queues } });
      onClose();
      toast(t("mail.signature.saved"), "ok");
    } catch (error) {
      setBusy(false);
      return toastError(error);
    }
    await signAnew().catch(toastError);
  };
  const places = [
    { value: ALL, label: t("mail.signature.all") },
    ...directory.value.queues.map(({ id, name }) => ({ value: id, label: name, hint: edited.queues[id]?.text ? t("mail.signature.has") : undefined })),
  ];
  return (
    <Dialog
      title={t("mail.signature.yours")}
      subtitle={t("mail.signature.help", { example: "{{agent.name}}" })}
      onClose={onClose}
      onSubmit={() => void save()}
      footer={
        <>
          <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
          <Button type="submit" kind="primary" busy={busy}>{t("common.save")}</Button>
        </>
      }
    >
      <div class="form">
        <Combobox label={t("mail.signature.for")} value={queue} options={places} onChange={setQueue} />
        <Field key={queue} of={own ?? NONE} label={t("mail.signature")} onChange={change} />
      </div>
    </Dialog>
  );
}

export function SignatureDialog() {
  const [all, setAll] = useState<Signatures | null>(null);
  const open = signatureOpen.value;
  useEffect(() => {
    if (!open) return setAll(null);
    let here = true;
    api<{ mail_signature: Signatures }>("GET", "me").then(({ mail_signature }) => here && setAll(mail_signature), (error: unknown) => {
      signatureOpen.value = false;
      toastError(error);
    });
    return () => {
      here = false;
    };
  }, [open]);
  return open && all ? <Form all={all} onClose={() => (signatureOpen.value = false)} /> : null;
}
