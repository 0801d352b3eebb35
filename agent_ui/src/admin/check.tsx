// What the hub thinks of a row before it is saved: mistakes stand at their fields, warnings above the form.
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import type { Errors } from "../common/form/fields.ts";
import { normalise, type Row } from "../common/form/paths.ts";
import { has, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { nameIn, rowText } from "./data.ts";

const AFTER_MS = 400;

interface Finding {
  level: "error" | "warning";
  path: string;
  code: string;
  /** In English; our words for the code go before it. */
  message: string;
  /** The id of the queue that it is about, "new" for one that is not saved yet. */
  queue: string | null;
}

export interface Findings {
  /** Sentences by path of the field. */
  errors: Errors;
  warnings: readonly Finding[];
}

export const noFindings: Findings = { errors: {}, warnings: [] };

/** What the server says of a row and does not want to hear again. */
const SAID = ["id", "version", "updated_at", "updated_by", "created_at"];

function words({ code, message, queue }: Finding, name = ""): string {
  const key = `admin.finding.${code}`;
  if (!has(key)) return t("form.expected", { expected: message });
  // The way of a loop is in the hub's sentence only: "...: Support → Billing → Support".
  const way = message.slice(message.indexOf(": ") + 2);
  return t(key, { queue: queue === null || queue === "new" ? name : nameIn("queues", queue), way });
}

/** Asks the hub. @throws HubError, "input.invalid" for a row that cannot be read at all */
export async function askCheck(kind: string, id: string | null, row: Row): Promise<Findings> {
  const bare = Object.fromEntries(Object.entries(row).filter(([key]) => !SAID.includes(key)));
  const { items } = await api<{ items: Finding[] }>("POST", "routing/check", { kind, id: id ?? (rowText(row, "id") || null), row: bare });
  const mistakes = items.filter(({ level }) => level === "error").reverse(); // of two at one field the first stays
  return {
    errors: Object.fromEntries(mistakes.map((finding) => [normalise(finding.path), words(finding, rowText(row, "name"))])),
    warnings: items.filter(({ level }) => level === "warning"),
  };
}

/** Follows a row while it is edited; `row` is null while nothing has changed. */
export function useCheck(kind: string | undefined, id: string | null, row: Row | null): [Findings, (found: Findings) => void] {
  const [found, setFound] = useState(noFindings);
  const asked = kind && row ? JSON.stringify(row) : null;
  useEffect(() => {
    if (!kind) return;
    if (asked === null) return setFound(({ warnings }) => ({ ...noFindings, warnings })); // as it is saved: no mistakes
    let stale = false;
    const timer = setTimeout(() => {
      askCheck(kind, id, JSON.parse(asked) as Row).then(
        (next) => stale || setFound(next),
        // A row that is half written cannot be judged yet; saving says what is missing.
        () => stale || setFound(noFindings),
      );
    }, AFTER_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [kind, id, asked]);
  return [found, setFound];
}

export function Warnings({ found, row }: { found: Findings; row: Row }) {
  return (
    <div class="form-warnings" role="status">
      {found.warnings.map((finding) => (
        <p key={`${finding.path} ${finding.code} ${finding.queue ?? ""}`} class="form-problem warning">
          <Icon name="warn" small />
          {words(finding, rowText(row, "name"))}
        </p>
      ))}
    </div>
  );
}
