import { signal } from "@preact/signals";
import { t } from "../i18n.ts";
import { Dialog } from "./dialog.tsx";

interface Question {
  title: string;
  text: string;
  /** The verb on the button that does it. */
  action: string;
  danger?: boolean;
  answer: (yes: boolean) => void;
}

const question = signal<Question | null>(null);

/** Asks before something that cannot be taken back. */
export function confirm(asked: Omit<Question, "answer">): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      ...asked,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

/** The place where confirm() asks; once in a page. */
export function Confirm() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog
      title={asked.title}
      onClose={() => asked.answer(false)}
      onSubmit={() => asked.answer(true)}
      footer={
        <>
          <button type="button" class="btn" onClick={() => asked.answer(false)}>{t("common.cancel")}</button>
          <button type="submit" class={`btn ${asked.danger ? "danger" : "primary"}`}>{asked.action}</button>
        </>
      }
    >
      <p>{asked.text}</p>
    </Dialog>
  );
}
