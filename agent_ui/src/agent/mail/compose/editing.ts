// What the editor and its tools have to do with each other; here so that nothing else is fetched for it.

import type { Active } from "./editor.ts";

export type { Active, Editor, Tool } from "./editor.ts";

export const NO_TOOLS: Active = { strong: false, em: false, underline: false, strike: false, link: null, bullet_list: false, ordered_list: false, blockquote: false };
