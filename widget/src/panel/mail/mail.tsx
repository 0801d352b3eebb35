import { state } from "../state.ts";
import { Ask } from "./ask.tsx";
import { MailForm, Sent } from "./form.tsx";

export function Mail() {
  const step = state.view.name == "form" && state.view.step;
  return step == "ask" ? <Ask /> : step == "sent" ? <Sent /> : <MailForm />;
}
