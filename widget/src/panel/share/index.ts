// Everything by which the page around the panel is shown to an agent.

export { CodeView } from "./code.tsx";
export { follow, heardFromPage } from "./sharing.ts";
export { ShareSheet } from "./sheet.tsx";
