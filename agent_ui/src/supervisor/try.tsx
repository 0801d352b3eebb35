// Try routing, at the wallboard: who would get such a contact now.
import { signal } from "@preact/signals";
import { Button, Dialog } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { TryRouting } from "../common/routing/try.tsx";

const open = signal(false);

export function TryButton() {
  return <Button icon="branch" onClick={() => (open.value = true)}>{t("routing.try.title")}</Button>;
}

export function TryDialog() {
  return open.value && <Dialog wide title={t("routing.try.title")} onClose={() => (open.value = false)}><TryRouting /></Dialog>;
}
