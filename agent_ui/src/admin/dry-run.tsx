// A mail rule tried on mails that are here already, before it is saved; nothing is changed by it.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { errorText } from "../common/errors.ts";
import type { Row } from "../common/form/paths.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { rowText } from "./data.ts";

const LIMIT = 200;
const SHOWN = 12;
/** What the server says of a row and does not want to hear again. */
const SAID = ["id", "version", "updated_at", "updated_by", "created_at"];
const NEW = "new-1";

interface Named {
  id: string;
  name: string;
}

interface Tried {
  contact: string;
  sender: string;
  subject: string;
  queue: Named | null;
  would: { queue: Named; rules: readonly Named[] };
  right: boolean;
}

interface Result {
  mails: number;
  right: number;
  was_right: number;
  items: readonly Tried[];
}

function Found({ result, id }: { result: Result; id: string }) {
  const hit = result.items.filter(({ would }) => would.rules.some((rule) => rule.id === id));
  return (
    <>
      <ul class="sentences">
        <li>{t("admin.dry_run.hits", { count: result.mails, hits: hit.length })}</li>
        <li>{t("admin.dry_run.right", { count: result.mails, right: result.right, before: result.was_right })}</li>
      </ul>
      <ul class="sentences">
        {hit.slice(0, SHOWN).map(({ contact, sender, subject, queue, would, right }) => (
          <li key={contact}>
            <a href={`/agent#/contact/${encodeURIComponent(contact)}`}>{subject || sender}</a>
            {" "}
            {right ? t("admin.dry_run.stays", { queue: would.queue.name }) : t("admin.dry_run.moves", { queue: would.queue.name, now: queue?.name ?? "–" })}
          </li>
        ))}
      </ul>
    </>
  );
}

/** `row` as it would be saved. */
export function DryRun({ row, isNew }: { row: Row; isNew: boolean }) {
  const [result, setResult] = useState<Result | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const asked = JSON.stringify(row);
  useEffect(() => {
    setResult(null);
    setProblem("");
  }, [asked]);

  async function run() {
    setBusy(true);
    setProblem("");
    try {
      const bare = Object.fromEntries(Object.entries(row).filter(([key]) => !SAID.includes(key)));
      setResult(await api<Result>("POST", "triage/dry-run", { changes: [{ id: isNew ? null : rowText(row, "id"), row: bare }], limit: LIMIT }));
    } catch (error) {
      setProblem(errorText(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div>
      <div class="aside-head"><h2>{t("admin.dry_run.title")}</h2></div>
      <button type="button" class="btn small" disabled={busy} onClick={() => void run()}><Icon name="filter" small />{t("admin.dry_run.run")}</button>
      <div role="status">
        {problem && <p class="form-problem">{problem}</p>}
        {result && <Found result={result} id={isNew ? NEW : rowText(row, "id")} />}
      </div>
    </div>
  );
}
