// Everything that a call needs; fetched when one begins, or goes on after the page was loaded anew.

import "./icons.ts";

export { KeypadSheet } from "./keypad.tsx";
export { answer, begin, decline, hangUp, takeUp } from "./live.ts";
export { RingSheet } from "./ring.tsx";
export { ByVoiceSheet, CallView, SoundSheet } from "./view.tsx";
