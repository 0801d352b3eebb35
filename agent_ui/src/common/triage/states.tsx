// What stands in the place of figures: they are on their way, or could not be had.
import { Button } from "../components/index.ts";
import { errorText } from "../errors.ts";
import { t } from "../i18n.ts";
import { Icon } from "../icons.tsx";

export function Shapes() {
  return (
    <div class="list-skeleton" role="status" aria-label={t("common.loading")}>
      {Array.from({ length: 4 }, (_, index) => <div key={index} class="skeleton" />)}
    </div>
  );
}

export function Failed({ error, again }: { error: unknown; again: () => Promise<void> }) {
  return (
    <div class="empty" role="alert">
      <Icon name="failed" />
      <b>{t("triage.failed")}</b>
      <p>{errorText(error)}</p>
      <Button icon="retry" onClick={again}>{t("triage.again")}</Button>
    </div>
  );
}
