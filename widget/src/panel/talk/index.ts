// Everything that a conversation needs. Fetched on its own, as soon as the hub has been reached: the first picture of the
// panel does without, and by the time the visitor has filled in the form it is there.

import "./icons.ts";

export { Earlier, OverView } from "./over.tsx";
export { LanguageSheet, MoreSheet, PictureSheet } from "./sheets.tsx";
export { EndSheet, TalkView, Unreachable } from "./talk.tsx";
