// Hours and holidays: calendars that queues are open by.
import { field as fieldOf, idField, section as sectionOf, type Resource } from "../resource.tsx";
import type { Field } from "../../common/form/fields.ts";
import { t } from "../../common/i18n.ts";
import { rowsOf, rowText } from "../data.ts";
import { checkSpans, checkWeek, DAYS, Spans, tidySpan, WeekControl, type Span } from "../spans.tsx";
import type { Row, Value } from "../../common/form/paths.ts";

const field = (name: string, rest: Parameters<typeof fieldOf>[2]): Field => fieldOf("hours", name, rest);
const section = (name: string, fields: readonly Field[]) => sectionOf("hours", name, fields);

function zones(): { value: string; label: string }[] {
  const names = new Set(["UTC", ...Intl.supportedValuesOf("timeZone")]);
  return [...names].map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
}

/** "Mon–Fri 09:00–18:00, Sat 10:00–14:00": days with equal hours stand together. */
export function weekText(row: Row): string {
  const week = (row["week"] ?? {}) as unknown as Record<string, Span[]>;
  const spans = (day: string) => (week[day] ?? []).map(([from, to]) => `${from}–${to}`).join(", ");
  const parts: { first: string; last: string; hours: string }[] = [];
  for (const day of DAYS) {
    const hours = spans(day);
    const previous = parts.at(-1);
    if (previous?.hours === hours) previous.last = day;
    else parts.push({ first: day, last: day, hours });
  }
  const name = (day: string) => t(`admin.day_short.${day}`);
  return parts
    .filter((part) => part.hours)
    .map((part) => `${name(part.first)}${part.first === part.last ? "" : `–${name(part.last)}`} ${part.hours}`)
    .join("; ");
}

function usedBy(id: string): string[] {
  return (rowsOf("queues").rows ?? []).filter((row) => row["hours"] === id).map((row) => rowText(row, "name"));
}

export const hours: Resource = {
  path: "hours",
  permission: "admin.config",
  icon: "clock",
  needs: ["queues"],
  idFromName: true,
  nameOf: (row) => rowText(row, "name"),
  columns: () => [
    { key: "name", label: t("admin.hours.name"), text: (row) => rowText(row, "name"), cell: (row) => rowText(row, "name") },
    { key: "week", label: t("admin.hours.week"), text: weekText, cell: (row) => <span class="num">{weekText(row) || t("admin.hours.closed")}</span> },
    { key: "timezone", label: t("admin.hours.timezone"), extra: true, text: (row) => rowText(row, "timezone"), cell: (row) => rowText(row, "timezone").replaceAll("_", " ") },
    { key: "holidays", label: t("admin.hours.holidays"), extra: true, numeric: true, sort: (row) => ((row["holidays"] ?? []) as Value[]).length, cell: (row) => ((row["holidays"] ?? []) as Value[]).length },
    { key: "queues", label: t("admin.hours.queues"), extra: true, text: (row) => usedBy(rowText(row, "id")).join(", "), cell: (row) => usedBy(rowText(row, "id")).join(", ") },
  ],
  fresh: () => ({
    id: "", name: "", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
    week: Object.fromEntries(DAYS.map((day) => [day, ["sat", "sun"].includes(day) ? [] : [["09:00", "18:00"]]])) as Row,
    holidays: [], exceptions: [],
  }),
  outgoing: (row) => ({
    ...row,
    week: Object.fromEntries(Object.entries((row["week"] ?? {}) as Record<string, Span[]>).map(([day, spans]) => [day, spans.map(tidySpan)])),
    exceptions: ((row["exceptions"] ?? []) as Row[]).map((day) => ({ ...day, open: ((day["open"] ?? []) as Span[]).map(tidySpan) })),
  }),
  sections: (_row, isNew) => [
    section("calendar", [
      field("name", { kind: "text", required: true, max: 120, half: true }),
      idField(isNew),
      field("timezone", { kind: "select", options: zones(), required: true }),
    ]),
    section("week", [field("week", { kind: "custom", render: (props) => <WeekControl {...props} />, check: checkWeek })]),
    section("holidays", [
      field("holidays", {
        kind: "rows", add: t("admin.hours.holidays.add"), none: t("admin.hours.holidays.none"), itemName: t("admin.hours.holiday"),
        fresh: () => ({ date: "", name: "" }),
        fields: [
          field("date", { kind: "text", type: "date", format: "date", required: true, half: true }),
          { ...field("holiday_name", { kind: "text", max: 120, half: true }), name: "name" },
        ],
      }),
    ]),
    section("exceptions", [
      field("exceptions", {
        kind: "rows", add: t("admin.hours.exceptions.add"), none: t("admin.hours.exceptions.none"), itemName: t("admin.hours.exception"),
        fresh: () => ({ date: "", open: [["09:00", "12:00"]] }),
        fields: [
          field("date", { kind: "text", type: "date", format: "date", required: true, half: true }),
          field("open", {
            kind: "custom", half: true,
            render: ({ id, path, value, errors, disabled, onChange }) => (
              <Spans id={id} name={t("admin.hours.open")} path={path} spans={(value ?? []) as unknown as Span[]} errors={errors} disabled={disabled} onChange={(spans) => onChange(spans as unknown as Value)} />
            ),
            check: (value, path) => checkSpans((value ?? []) as unknown as Span[], path),
          }),
        ],
      }),
    ]),
  ],
};
