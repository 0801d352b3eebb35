// E-mail from the widget: the form, what is said when it has gone, and the question how it stands. Fetched when it is first
// shown, or when a form that an earlier page could not send is still to go.

import "../talk/icons.ts";

export { Mail } from "./mail.tsx";
export { deliver } from "./send.ts";
