// The records of calls: what narrows them, figures of all of them, the list, and one of them beside it.

import { useEffect, useRef } from "preact/hooks";
import { may } from "../common/boot.ts";
import { Button, Empty, IconButton } from "../common/components/index.ts";
import { errorText } from "../common/errors.ts";
import { number, t } from "../common/i18n.ts";
import { Rail, Shell } from "../common/shell.tsx";
import { exportCsv, listed, load, loading, more } from "./data.ts";
import { Detail } from "./detail.tsx";
import { conditions, view, widen } from "./filter.ts";
import { Filters } from "./filters.tsx";
import { Calls } from "./list.tsx";
import { Summary } from "./summary.tsx";

function Shapes() {
  return (
    <div class="list-shapes" role="status" aria-label={t("common.loading")}>
      <div class="skeleton strip" />
      {Array.from({ length: 8 }, (_, index) => <div key={index} class="skeleton" />)}
    </div>
  );
}

function List() {
  const { calls, next, summary, error } = listed.value;
  const { filter } = view.value;
  if (error !== null) {
    return (
      <div role="alert">
        <Empty icon="failed" title={t("records.failed")}>
          <p>{errorText(error)}</p>
          <Button icon="retry" onClick={() => load(filter)}>{t("records.again")}</Button>
        </Empty>
      </div>
    );
  }
  if (!calls || !summary) return <Shapes />;
  if (calls.length === 0) {
    const narrowed = conditions(filter) > 0;
    return (
      <Empty icon={narrowed ? "search" : "phone"} title={t(narrowed ? "records.none_fit" : "records.none")}>
        <p>{t(narrowed ? "records.none_fit.more" : filter.span === "all" ? "records.none.ever" : "records.none.more")}</p>
        {narrowed && <Button onClick={widen}>{t("records.clear")}</Button>}
      </Empty>
    );
  }
  return (
    <>
      <Summary summary={summary} />
      <Calls calls={calls} />
      <div class="list-foot">
        <span class="num" role="status">{t("records.shown", { shown: number(calls.length), count: summary.calls })}</span>
        {next && <Button onClick={() => more(filter)}>{t("records.more")}</Button>}
      </div>
    </>
  );
}

export function App() {
  const { call, filter } = view.value;
  const wanted = JSON.stringify(filter);
  useEffect(() => void load(filter), [wanted]);
  // Whoever closes a call is again where he opened it.
  const before = useRef<string | null>(null);
  useEffect(() => {
    if (call === null && before.current !== null) {
      const rows = [...document.querySelectorAll<HTMLAnchorElement>(".row-link")];
      rows.find(({ hash }) => hash.startsWith(`#/${encodeURIComponent(before.current ?? "")}`))?.focus();
    }
    before.current = call;
  }, [call]);
  return (
    <Shell>
      <div class={`calls-page${call ? " with-call" : ""}`}>
        <Rail page="/calls" />
        <main>
          <div class="sheet">
            <header class="sheet-head">
              <h1>{t("calls.title")}</h1>
              {loading.value && listed.value.calls && <span class="ring-busy" role="status" aria-label={t("common.loading")} />}
              <div class="right">
                <IconButton icon="retry" label={t("records.reload")} onClick={() => void load(filter)} />
                {may("call.export") && (
                  <Button icon="save" class="export" disabled={!listed.value.calls?.length} title={t("records.export.hint")} onClick={() => exportCsv(filter)}>
                    {t("records.export")}
                  </Button>
                )}
              </div>
            </header>
            <div class="sheet-body">
              <Filters />
              <List />
            </div>
          </div>
          {call && <Detail key={call} id={call} />}
        </main>
      </div>
    </Shell>
  );
}
