// Everything that a call needs; fetched when one begins, or goes on after the page was loaded anew.

import "./icons.ts";

export { KeypadSheet } from "./keypad.tsx";
export { begin, hangUp, takeUp } from "./live.ts";
export { ByVoiceSheet, CallView, SoundSheet } from "./view.tsx";
