import { render } from "preact";
import "./callbacks.css";
import "../common/callbacks/words.ts";
import "../common/form/words.ts";
import { loadLocale } from "../common/i18n.ts";
import "../common/messages.ts";
import { startStore } from "../common/store.ts";
import { App } from "./app.tsx";
import { startMoves } from "./data.ts";

await loadLocale();
startStore([startMoves]);
render(<App />, document.getElementById("app") as HTMLElement);
