// The customer's page before the agent: asked for, waited for, seen, and what may be done there.

import { useEffect, useRef, useState } from "preact/hooks";
import { Button, Empty } from "../../common/components/index.ts";
import type { Mode } from "../../common/cobrowse.ts";
import { list, t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import { me } from "../../common/store.ts";
import { clock, duration, now } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";
import { customerName, isOwner } from "../mine.ts";
import { Fields, OpenPage } from "./fields.tsx";
import { Line, picked, view } from "./line.ts";
import { askFor, byCode, CAPABILITIES, type Capability, type Cobrowse, codes, history, isLive, lookAt, possible, sharings, shown, stop, viewer } from "./sharing.ts";

const MODES: readonly [Mode, IconName, Capability][] = [
  ["see", "eye", "view"],
  ["point", "arrow", "point"],
  ["draw", "edit", "draw"],
  ["look", "fit", "point"],
  ["fill", "keypad", "type"],
  ["click", "take", "click"],
  ["open", "external", "navigate"],
];

/** Whether there is a button for it. */
export const canCobrowse = (contact: Contact) => viewer !== null && (possible.value.get(contact.id) === true || isLive(sharings.value.get(contact.id)));

/** Back to the conversation as it was; a sharing goes on meanwhile. */
const Leave = () => <Button icon="chat" kind="quiet" onClick={() => (shown.value = null)}>{t("cobrowse.back")}</Button>;

/** Before anything was asked, and after it is over. */
function Ask({ contact, sharing, name }: { contact: Contact; sharing: Cobrowse | undefined; name: string }) {
  const [chosen, setChosen] = useState<readonly Capability[]>(["view", "point", "draw", "scroll"]);
  const toggle = (one: Capability) => setChosen(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]);
  const code = byCode.value.get(contact.id) === true;
  return (
    <div class="cob-ask">
      <h2>{t("cobrowse.ask.title", { name })}</h2>
      {sharing?.stage === "ended" && sharing.ending && <p class="cob-over" role="status">{t(`cobrowse.ended.${sharing.ending}`, { name })}</p>}
      {code && <p class="quiet-text">{t("cobrowse.code.hint", { name })}</p>}
      <p class="quiet-text">{t("cobrowse.ask.hint")}</p>
      <fieldset>
        <legend class="label">{t("cobrowse.ask.what")}</legend>
        {CAPABILITIES.map((one) => (
          <label key={one} class="check">
            <input type="checkbox" checked={chosen.includes(one)} disabled={one === "view"} onChange={() => toggle(one)} />
            <span>{t(`cobrowse.may.${one}`)}</span>
          </label>
        ))}
      </fieldset>
      <Button kind="primary" icon="cobrowse" disabled={!isOwner(contact)} onClick={() => askFor(contact, [...chosen])}>{t(code ? "cobrowse.code.make" : "cobrowse.ask.send")}</Button>
    </div>
  );
}

/** For the agent to read out: the digits, what the customer does with them, and how long they are good. */
function Code({ contact, sharing, name }: { contact: Contact; sharing: Cobrowse; name: string }) {
  const left = Math.max(0, (sharing.answer_by ?? 0) - now.value);
  const code = codes.value.get(contact.id);
  const mine = isOwner(contact);
  return (
    <div class="cob-ask">
      <h2>{t("cobrowse.code.title", { name })}</h2>
      {code && mine ? (
        <>
          <p class="cob-code num" aria-label={t("cobrowse.code.label", { code: [...code].join(" ") })} role="status">{code.slice(0, 3)}<span> </span>{code.slice(3)}</p>
          <ol class="cob-say">
            {["open", "enter", "answer"].map((step) => <li key={step}>{t(`cobrowse.code.${step}`)}</li>)}
          </ol>
          <p class="quiet-text" role="timer">{t("cobrowse.code.left", { time: duration(left) })}</p>
        </>
      ) : code !== undefined && <p class="quiet-text">{t(mine ? "cobrowse.code.lost" : "cobrowse.code.others")}</p>}
      {mine && (
        <div class="cob-do">
          <Button onClick={() => askFor(contact, sharing.asked)}>{t("cobrowse.code.again")}</Button>
          <Button kind="quiet" onClick={() => stop(contact.id)}>{t("cobrowse.take_back")}</Button>
        </div>
      )}
    </div>
  );
}

function Waiting({ contact, sharing, name }: { contact: Contact; sharing: Cobrowse; name: string }) {
  const left = Math.max(0, (sharing.answer_by ?? 0) - now.value);
  return (
    <div class="cob-ask">
      <h2>{t("cobrowse.waiting", { name })}</h2>
      <p class="quiet-text" role="timer">{t("cobrowse.waiting.hint", { time: duration(left) })}</p>
      <Button onClick={() => stop(contact.id)}>{t("cobrowse.take_back")}</Button>
    </div>
  );
}

/** What the customer allows, and what can be asked for. */
function Allowed({ contact, sharing, name }: { contact: Contact; sharing: Cobrowse; name: string }) {
  return (
    <section aria-labelledby="cob-allowed">
      <h3 id="cob-allowed">{t("cobrowse.allowed", { name })}</h3>
      <ul class="cob-may">
        {[...CAPABILITIES, ...(sharing.records ? (["record"] as const) : [])].map((one) => {
          const has = sharing.granted.includes(one);
          const asked = sharing.asked.includes(one);
          const label = t(`cobrowse.may.${one}`);
          return (
            <li key={one}>
              <Icon name={has ? "check" : asked ? "clock" : "lock"} small class={has ? "has" : ""} />
              <span>{label}</span>
              {has ? <span class="vh">{t("cobrowse.yes")}</span> : asked ? <span class="quiet-text">{t("cobrowse.asked")}</span> : (
                isOwner(contact) && <Button small title={t("cobrowse.ask_for", { what: label })} onClick={() => askFor(contact, [one])}>
                  {t("cobrowse.ask_short")}<span class="vh"> {label}</span>
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Who looks on beside the agent; the customer is told the same names. */
function Watchers({ contact, sharing, name }: { contact: Contact; sharing: Cobrowse; name: string }) {
  const others = sharing.watchers.filter(({ id }) => id !== me.value?.id).map((one) => one.name);
  if (!others.length && isOwner(contact)) return null;
  return (
    <div class="cob-hidden" role="status">
      {!isOwner(contact) && <b><Icon name="eye" small />{t("cobrowse.watching")}</b>}
      {others.length > 0 && <p>{t("cobrowse.watchers", { names: list(others), count: others.length })}</p>}
      <p>{t("cobrowse.watching.hint", { name })}</p>
    </div>
  );
}

function Happenings({ contact, name }: { contact: Contact; name: string }) {
  const entries = history.value.get(contact.id) ?? [];
  if (!entries.length) return null;
  return (
    <section aria-labelledby="cob-history">
      <h3 id="cob-history">{t("cobrowse.happened")}</h3>
      <ol class="cob-history">
        {entries.slice(0, 12).map(({ at, key, what }) => (
          <li key={`${at} ${key}`}><time>{clock(at)}</time><span>{t(`cobrowse.log.${key}`, { name, what: what ?? "" })}</span></li>
        ))}
      </ol>
    </section>
  );
}

function status(sharing: Cobrowse, name: string): string {
  const { there, connected, failed, tab } = view.value;
  if (failed) return t(`cobrowse.failed.${failed === "too_large" ? "too_large" : "unsupported"}`);
  if (sharing.stage === "paused") {
    const why = sharing.pauses.includes("away") ? "away" : sharing.pauses.includes("page") ? "page" : "customer";
    return t(`cobrowse.paused.${why}`, { name });
  }
  if (!connected || !there) return t("cobrowse.connecting");
  return t(tab ? "cobrowse.tab" : "cobrowse.live");
}

/** The viewer in its frame, and the agent's tools. */
function Stage({ contact, sharing, name }: { contact: Contact; sharing: Cobrowse; name: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const line = useRef<Line | null>(null);
  const [mode, setMode] = useState<Mode>("see");
  useEffect(() => {
    const made = (line.current = new Line(contact.id, frame.current!));
    // Set now, so that its first word finds a listener.
    frame.current!.src = `${viewer}/`;
    return () => {
      made.end();
      line.current = null;
    };
  }, [contact.id]);
  const choose = (next: Mode) => {
    setMode(next);
    line.current?.setMode(next);
  };
  const mine = isOwner(contact) && sharing.stage === "shared";
  const { href, width, height, behind, hidden, connected, there, drawings } = view.value;
  const chosen = picked.value;
  useEffect(() => {
    if (chosen?.mode === "look") line.current?.look(chosen.epoch, chosen.node);
  }, [chosen]);
  const bars = behind === null ? 0 : behind < 120 ? 4 : behind < 300 ? 3 : behind < 800 ? 2 : 1;
  const live = sharing.stage === "shared" && connected && there;
  return (
    <>
      <header class="cob-head">
        <h2>{t("cobrowse.page_of", { name })}</h2>
        <span class={`chip ${live ? "ok" : "warn"}`} role="status">{status(sharing, name)}</span>
        <span class="grow" />
        {behind !== null && live && (
          <span class="cob-behind"><span class="qual" aria-hidden="true">{[1, 2, 3, 4].map((n) => <i key={n} class={n > bars ? "off" : ""} />)}</span>{t("cobrowse.behind", { count: behind })}</span>
        )}
        <Leave />
        {isOwner(contact) && <Button onClick={() => stop(contact.id)}>{t("cobrowse.end")}</Button>}
      </header>
      <div class="cob-tools" role="toolbar" aria-label={t("cobrowse.tools")}>
        {MODES.map(([name, icon, needed]) => (
          <button key={name} type="button" class="btn quiet" aria-pressed={mode === name} disabled={!mine || !sharing.granted.includes(needed)} onClick={() => choose(name)}>
            <Icon name={icon} small />{t(`cobrowse.mode.${name}`)}
          </button>
        ))}
        {drawings > 0 && <button type="button" class="btn quiet" disabled={!mine} onClick={() => line.current?.stills()}><Icon name="eye" small />{t("cobrowse.drawings", { count: drawings })}</button>}
      </div>
      <div class="cob-device">
        <div class="cob-bar">
          <i /><i /><i />
          <span class="cob-url cut" title={href}><Icon name="lock" small />{href.replace(/^https?:\/\//, "") || "…"}</span>
          {width > 0 && <span class="num">{width} × {height}</span>}
        </div>
        <iframe
          ref={frame}
          class={sharing.stage === "shared" ? "cob-frame" : "cob-frame away"}
          title={t("cobrowse.frame", { name })}
          sandbox="allow-scripts allow-same-origin"
          referrerpolicy="origin"
          tabIndex={-1}
        />
        {sharing.stage !== "shared" && <div class="cob-curtain"><p>{status(sharing, name)}</p></div>}
      </div>
      <aside class="cob-side" aria-label={t("cobrowse.side")}>
        <Watchers contact={contact} sharing={sharing} name={name} />
        <Allowed contact={contact} sharing={sharing} name={name} />
        {hidden > 0 && (
          <div class="cob-hidden">
            <b><Icon name="lock" small />{t("cobrowse.hidden", { count: hidden })}</b>
            <p>{t("cobrowse.hidden.hint", { name })}</p>
          </div>
        )}
        {mine && (mode === "fill" || mode === "click") && <Fields key={mode} mode={mode} line={line} />}
        {mine && mode === "open" && <OpenPage line={line} />}
        <Happenings contact={contact} name={name} />
      </aside>
    </>
  );
}

export function Cobrowsing({ contact }: { contact: Contact }) {
  const sharing = sharings.value.get(contact.id);
  const name = customerName(contact, t("agent.unnamed"));
  return (
    <section class="cob" aria-label={t("cobrowse.region", { name })}>
      {isLive(sharing) ? <Stage key={contact.id} contact={contact} sharing={sharing!} name={name} /> : (
        <>
          <header class="cob-head">
            <h2 class="vh">{t("cobrowse.page_of", { name })}</h2>
            <span class="grow" />
            <Leave />
          </header>
          {sharing?.stage === "asked"
            ? sharing.joined ? <Waiting contact={contact} sharing={sharing} name={name} /> : <Code contact={contact} sharing={sharing} name={name} />
            : possible.value.get(contact.id)
              ? <Ask contact={contact} sharing={sharing} name={name} />
              : <Empty icon="cobrowse" title={t("cobrowse.no_page")} />}
        </>
      )}
    </section>
  );
}

/** Looks once how the contact's page stands, whenever it is opened. */
export function useCobrowse(contact: Contact | null): boolean {
  const id = contact?.id;
  const open = contact !== null && ["connecting", "active", "held"].includes(contact.phase);
  useEffect(() => {
    if (id && open) void lookAt(id).catch(() => {});
  }, [id, open]);
  return open && shown.value === id && viewer !== null;
}
