// The page on which routing is tried out.
import { t } from "../common/i18n.ts";
import { TryRouting } from "../common/routing/try.tsx";
import { SectionChoice } from "./nav.tsx";

export function TryPage() {
  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1 tabIndex={-1}>{t("admin.try.title")}</h1>
      </header>
      <div class="sheet-body"><TryRouting /></div>
    </>
  );
}
