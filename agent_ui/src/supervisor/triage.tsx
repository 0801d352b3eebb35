// How the triage of e-mails did, at the wallboard.
import { signal } from "@preact/signals";
import { Dialog, IconButton } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { TriageReport } from "../common/triage/report.tsx";

const open = signal(false);

export function TriageButton() {
  return <IconButton icon="mail" label={t("triage.title")} onClick={() => (open.value = true)} />;
}

export function TriageDialog() {
  return open.value && <Dialog wide title={t("triage.title")} onClose={() => (open.value = false)}><TriageReport /></Dialog>;
}
