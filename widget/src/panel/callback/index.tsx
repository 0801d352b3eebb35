// Callbacks: the form, the choice of a time, and how one stands. Fetched when it is first shown.

import "../talk/icons.ts";
import { drawings } from "../views/icons.tsx";
import { over } from "../callback.ts";
import { state } from "../state.ts";
import { CallbackForm, Joined } from "./form.tsx";
import { Standing } from "./standing.tsx";
import { Move } from "./time.tsx";

Object.assign(drawings, {
  search: "M16.500 10.500a6 6 0 1 1-12 0 6 6 0 0 1 12 0zM15 15l5 5",
  calendar: "M6.500 5.500h11a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-11a2 2 0 0 1-2-2v-10a2 2 0 0 1 2-2zM4.500 10h15M8.500 3.500v4M15.500 3.500v4",
});

export { deliver } from "./asking.ts";
export { CountrySheet } from "./country.tsx";
export { CancelSheet } from "./standing.tsx";

export function CallMeBack() {
  const step = state.view.name == "form" ? state.view.step : undefined;
  if (step == "joined") return <Joined />;
  if (step == "move" && state.callback?.seen?.can_move) return <Move />;
  if (step == "sent" && state.callback) return <Standing />;
  // Who has one that is still to come sees that one.
  if (state.callback?.seen && !over(state.callback.seen) && step != "again") return <Standing />;
  return <CallbackForm />;
}
