// The times at which a customer can be called: what is free, and the choice of one.

import { useEffect, useState } from "preact/hooks";
import { api } from "../api.ts";
import { Combobox } from "../components/index.ts";
import { formatLocale, t } from "../i18n.ts";
import { clock } from "../time.ts";
import { numberProblem } from "../voice/number.ts";

export interface Slot {
  start: number;
  end: number;
  left: number;
}

const TYPING_MS = 400;

/** The times that can be chosen for a number in a queue; null while they are fetched. */
export function useSlots(queue: string, phone: string, wanted: boolean): Slot[] | null {
  const [slots, setSlots] = useState<Slot[] | null>(null);
  useEffect(() => {
    if (!wanted || !queue) return;
    const gone = new AbortController();
    const query = new URLSearchParams({ queue, phone: numberProblem(phone) === null ? phone : "" });
    const timer = setTimeout(() => {
      api<{ items: Slot[] }>("GET", `callback-slots?${query}`, undefined, gone.signal).then(({ items }) => setSlots(items), () => setSlots([]));
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [queue, phone, wanted]);
  return slots;
}

function dayOf(at: number): string {
  return new Intl.DateTimeFormat(formatLocale(), { weekday: "long", day: "numeric", month: "long" }).format(at);
}

/** A day and a time of it. */
export function Times({ slots, start, onChange }: { slots: Slot[] | null; start: number | null; onChange: (start: number) => void }) {
  if (slots === null) return <div class="skeleton times-shape" role="status" aria-label={t("common.loading")} />;
  const free = slots.filter(({ left }) => left > 0);
  if (free.length === 0) return <p class="help">{t("callbacks.ask.no_slots")}</p>;
  const days = [...new Set(free.map((slot) => dayOf(slot.start)))];
  const chosen = free.find((slot) => slot.start === start) ?? free[0]!;
  const day = dayOf(chosen.start);
  const first = (name: string) => free.find((slot) => dayOf(slot.start) === name)!.start;
  return (
    <div class="times">
      <Combobox label={t("callbacks.ask.day")} value={day} options={days.map((name) => ({ value: name, label: name }))} onChange={(name) => onChange(first(name))} />
      <Combobox
        label={t("callbacks.ask.time")}
        value={String(chosen.start)}
        options={free.filter((slot) => dayOf(slot.start) === day).map((slot) => ({
          value: String(slot.start), label: clock(slot.start), hint: t("callbacks.ask.left", { count: slot.left }),
        }))}
        onChange={(value) => onChange(Number(value))}
      />
    </div>
  );
}
