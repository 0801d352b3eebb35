// The page on how the triage of e-mails did.
import { t } from "../common/i18n.ts";
import { TriageReport } from "../common/triage/report.tsx";
import { SectionChoice } from "./nav.tsx";

export function TriagePage() {
  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1 tabIndex={-1}>{t("admin.triage.title")}</h1>
      </header>
      <div class="sheet-body"><TriageReport /></div>
    </>
  );
}
