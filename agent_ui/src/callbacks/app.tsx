// The supervisors' page of callbacks: the list, the calendar of slots, the report, and what protects against too many.

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { boot } from "../common/boot.ts";
import { Button, Empty } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";
import { Rail, Shell } from "../common/shell.tsx";
import { Calendar } from "./calendar.tsx";
import { Detail } from "./detail.tsx";
import { ImportCallbacks } from "./import.tsx";
import { List } from "./list.tsx";
import { Protection, Stopped } from "./protection.tsx";
import { Report } from "./report.tsx";

const VIEWS = { list: List, calendar: Calendar, report: Report, protection: Protection };
type View = keyof typeof VIEWS;
const NAMES = Object.keys(VIEWS) as View[];

function read(): View {
  const name = location.hash.replace(/^#\/?/, "");
  return NAMES.find((each) => each === name) ?? "list";
}

const view = signal<View>(read());
addEventListener("hashchange", () => (view.value = read()));

function Content() {
  const Shown = VIEWS[view.value];
  return (
    <>
      <Stopped />
      <Shown />
    </>
  );
}

export function App() {
  const [importing, setImporting] = useState(false);
  return (
    <Shell>
      <div class="callbacks-page">
        <Rail page="/callbacks" />
        <main>
          <div class="sheet">
            <header class="sheet-head">
              <h1>{t("callbacks.title")}</h1>
              {boot.callbacks && (
                <nav class="segmented" aria-label={t("callbacks.views")}>
                  {NAMES.map((name) => <a key={name} href={`#/${name}`} aria-current={view.value === name ? "page" : undefined}>{t(`callbacks.view.${name}`)}</a>)}
                </nav>
              )}
              <div class="right">
                {boot.callbacks && <Button icon="file" class="import" onClick={() => setImporting(true)}>{t("callbacks.import")}</Button>}
              </div>
            </header>
            <div class="sheet-body">
              {boot.callbacks ? <Content /> : <Empty icon="callback" title={t("callbacks.off")}><p>{t("callbacks.off.more")}</p></Empty>}
            </div>
          </div>
        </main>
      </div>
      {boot.callbacks && <Detail />}
      {importing && <ImportCallbacks onClose={() => setImporting(false)} />}
    </Shell>
  );
}
