// Lists from elsewhere: chosen or pasted, tried first, and taken when one has seen what is wrong with which line.
import { useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { refusalText } from "../common/callbacks/data.ts";
import { Button, Dialog, Field } from "../common/components/index.ts";
import { HubError } from "../common/errors.ts";
import { has, number, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { newId } from "../common/ids.ts";
import { type LineError, moves } from "./data.ts";

const COLUMNS = "phone,name,email,topic,site,queue,when,note,language,timezone";

interface Found {
  taken: number;
  joined: number;
  errors: LineError[];
}

interface FoundNumbers {
  added: number;
  errors: LineError[];
}

function Errors({ errors }: { errors: LineError[] }) {
  if (errors.length === 0) return null;
  return (
    <div class="table-box import-errors" role="region" aria-label={t("callbacks.import.errors")} tabIndex={0}>
      <table class="table" aria-label={t("callbacks.import.errors")}>
        <thead>
          <tr>
            <th scope="col" class="n">{t("callbacks.import.line")}</th>
            <th scope="col">{t("callbacks.import.column")}</th>
            <th scope="col">{t("callbacks.import.problem")}</th>
          </tr>
        </thead>
        <tbody>
          {errors.map((error) => (
            <tr key={`${error.line} ${error.path}`}>
              <th scope="row" class="n num">{number(error.line)}</th>
              <td>{error.path ? <code>{error.path}</code> : <span class="none">–</span>}</td>
              <td>{has(`callbacks.error.${error.code}`) ? t(`callbacks.error.${error.code}`) : error.message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The list as text: from a file, or typed. */
function Csv({ csv, help, onChange }: { csv: string; help: string; onChange: (csv: string) => void }) {
  return (
    <>
      <label class="btn file-button">
        <Icon name="file" small />
        {t("callbacks.import.file")}
        <input
          class="vh"
          type="file"
          accept=".csv,text/csv,text/plain"
          onChange={async (event) => {
            const file = event.currentTarget.files?.[0];
            if (file) onChange(await file.text());
          }}
        />
      </label>
      <Field label={t("callbacks.import.csv")} value={csv} onInput={onChange} lines={6} help={help} />
    </>
  );
}

/** Many callbacks at once. The first press only tries them. */
export function ImportCallbacks({ onClose }: { onClose: () => void }) {
  const [csv, setCsv] = useState("");
  const [tried, setTried] = useState<Found | null>(null);
  const [done, setDone] = useState<Found | null>(null);
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const [key, setKey] = useState(newId); // the same list sent twice is taken once

  const change = (next: string) => {
    setCsv(next);
    setTried(null);
    setDone(null);
    setRefused("");
    setKey(newId());
  };
  const send = async (dry: boolean) => {
    if (busy || !csv.trim()) return;
    setBusy(true);
    setRefused("");
    try {
      const found = await api<Found>("POST", "callback-import", { csv, dry_run: dry, client_id: key });
      if (dry) setTried(found);
      else {
        setDone(found);
        moves.value += 1;
      }
    } catch (error) {
      setRefused(error instanceof HubError && error.details["path"] === "csv" ? error.message : refusalText(error));
    } finally {
      setBusy(false);
    }
  };
  const shown = done ?? tried;
  return (
    <Dialog
      wide
      title={t("callbacks.import")}
      subtitle={t("callbacks.import.help")}
      onClose={onClose}
      onSubmit={() => void send(tried === null)}
      footer={done
        ? <Button kind="primary" onClick={onClose}>{t("callbacks.import.close")}</Button>
        : (
          <>
            <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
            {tried === null
              ? <Button type="submit" kind="primary" icon="check" busy={busy} disabled={!csv.trim()}>{t("callbacks.import.try")}</Button>
              : <Button type="submit" kind="primary" icon="callback" busy={busy} disabled={tried.taken === 0}>{t("callbacks.import.do", { count: tried.taken })}</Button>}
          </>
        )}
    >
      <div class="callback-form">
        {!done && <Csv csv={csv} help={t("callbacks.import.columns", { columns: COLUMNS })} onChange={change} />}
        {refused && <p class="error-text" role="alert"><Icon name="failed" />{refused}</p>}
        <div role="status">
          {shown && (
            <p class="import-sum">
              <Icon name={done ? "check" : "info"} small />
              {t(done ? "callbacks.import.done" : "callbacks.import.would", { taken: number(shown.taken), joined: number(shown.joined), wrong: number(shown.errors.length) })}
            </p>
          )}
        </div>
        {shown && <Errors errors={shown.errors} />}
      </div>
    </Dialog>
  );
}

/** Numbers that are never called. The first press only tries them. */
export function ImportNumbers({ onClose }: { onClose: () => void }) {
  const [csv, setCsv] = useState("");
  const [tried, setTried] = useState<FoundNumbers | null>(null);
  const [done, setDone] = useState<FoundNumbers | null>(null);
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const change = (next: string) => {
    setCsv(next);
    setTried(null);
    setRefused("");
  };
  const send = async (dry: boolean) => {
    if (busy || !csv.trim()) return;
    setBusy(true);
    setRefused("");
    try {
      const found = await api<FoundNumbers>("POST", "do-not-call/import", { csv, dry_run: dry, client_id: newId() });
      if (dry) setTried(found);
      else setDone(found);
    } catch (error) {
      setRefused(error instanceof HubError && error.details["path"] === "csv" ? error.message : refusalText(error));
    } finally {
      setBusy(false);
    }
  };
  const shown = done ?? tried;
  return (
    <Dialog
      wide
      title={t("callbacks.import.numbers")}
      subtitle={t("callbacks.never.help")}
      onClose={onClose}
      onSubmit={() => void (done ? onClose() : send(tried === null))}
      footer={done
        ? <Button type="submit" kind="primary">{t("callbacks.import.close")}</Button>
        : (
          <>
            <button type="button" class="btn" onClick={onClose}>{t("common.cancel")}</button>
            {tried === null
              ? <Button type="submit" kind="primary" icon="check" busy={busy} disabled={!csv.trim()}>{t("callbacks.import.try")}</Button>
              : <Button type="submit" kind="primary" icon="file" busy={busy} disabled={tried.added === 0}>{t("callbacks.import.do_these", { count: tried.added })}</Button>}
          </>
        )}
    >
      <div class="callback-form">
        {!done && <Csv csv={csv} help={t("callbacks.import.columns", { columns: "phone" })} onChange={change} />}
        {refused && <p class="error-text" role="alert"><Icon name="failed" />{refused}</p>}
        <div role="status">
          {shown && (
            <p class="import-sum">
              <Icon name={done ? "check" : "info"} small />
              {t(done ? "callbacks.import.numbers_done" : "callbacks.import.numbers_would", { count: shown.added, wrong: number(shown.errors.length) })}
            </p>
          )}
        </div>
        {shown && <Errors errors={shown.errors} />}
      </div>
    </Dialog>
  );
}
