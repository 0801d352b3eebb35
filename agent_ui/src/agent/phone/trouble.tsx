import { Button, Dialog } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { microphoneOrTrouble, trouble } from "./phone.ts";

/** No microphone: what is the matter, and what to do about it in this browser. */
export function TroubleDialog() {
  const code = trouble.value;
  if (!code) return null;
  const close = () => (trouble.value = null);
  const again = async () => {
    trouble.value = null;
    (await microphoneOrTrouble())?.getTracks().forEach((track) => track.stop());
  };
  const steps = t(`phone.trouble.${code}.steps`).split("\n");
  return (
    <Dialog
      title={t("phone.trouble.title")}
      onClose={close}
      footer={
        <>
          <button type="button" class="btn" onClick={close}>{t("common.close")}</button>
          <Button kind="primary" icon="retry" onClick={again}>{t("phone.try_again")}</Button>
        </>
      }
    >
      <div class="trouble" role="alert">
        <p>{t(`phone.trouble.${code}`)}</p>
        <ol>{steps.map((step) => <li key={step}>{step}</li>)}</ol>
      </div>
    </Dialog>
  );
}
