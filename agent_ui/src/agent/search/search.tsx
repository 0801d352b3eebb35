import { useEffect } from "preact/hooks";
import { Avatar, Button, Combobox, Empty, type Option } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { connection } from "../../common/socket.ts";
import { directory, me } from "../../common/store.ts";
import { clockOrDay, dateTime } from "../../common/time.ts";
import { customerName } from "../mine.ts";
import { contactHref, showList } from "../route.ts";
import { ask, asked, findMore, found, type Hit, type Query, refresh } from "./find.ts";

function Filter({ name, label, options }: { name: Exclude<keyof Query, "query">; label: string; options: Option[] }) {
  const any: Option = { value: "", label: t("agent.search.any", { what: label }) };
  return (
    <Combobox label={label} value={asked.value[name]} options={[any, ...options]} onChange={(value) => ask({ [name]: value })} class="select filter" />
  );
}

function Filters() {
  const { queues, agents } = directory.value;
  const channels = ["chat", "voice", "email", "callback"].map((value) => ({ value, label: t(`common.channel.${value}`) }));
  const phases = ["queued", "active", "held", "wrapping", "closed"].map((value) => ({ value, label: t(`common.phase.${value}`) }));
  const colleagues = agents.map(({ id, name }) => ({ value: id, label: id === me.value?.id ? t("agent.search.me", { name }) : name }));
  return (
    <div class="filters">
      <Filter name="channel" label={t("agent.search.channel")} options={channels} />
      <Filter name="queue" label={t("agent.search.queue")} options={queues.map(({ id, name }) => ({ value: id, label: name }))} />
      <Filter name="phase" label={t("agent.search.phase")} options={phases} />
      <Filter name="agent" label={t("agent.search.agent")} options={colleagues} />
    </div>
  );
}

function HitRow({ hit: { contact, snippet } }: { hit: Hit }) {
  const name = customerName(contact, t("agent.unnamed"));
  return (
    <li>
      <a class={`hit ${contact.channel}`} href={contactHref(contact.id)}>
        <span class="face">
          <Avatar name={name} />
          <span class="ch"><Icon name={channelIcon[contact.channel]} label={t(`common.channel.${contact.channel}`)} /></span>
        </span>
        <span class="what">
          <span class="line">
            <b class="cut">{name}</b>
            <span class={`chip${contact.phase === "closed" ? "" : " info"}`}>{t(`common.phase.${contact.phase}`)}</span>
          </span>
          <span class="snippet">
            {snippet.length
              ? snippet.map((piece, index) => (piece.hit ? <mark key={index}>{piece.text}</mark> : piece.text))
              : [contact.subject, contact.last_message?.text].filter(Boolean).join(" · ")}
          </span>
        </span>
        <span class="where">
          <time title={dateTime(contact.created_at)}>{clockOrDay(contact.created_at)}</time>
          <span class="cut">{[contact.queue?.name, contact.agent?.name].filter(Boolean).join(" · ")}</span>
        </span>
      </a>
    </li>
  );
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const root = event.currentTarget as HTMLElement;
  const stops = [...root.querySelectorAll<HTMLElement>("input[type=search], .hit")];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  stops[Math.max(0, Math.min(stops.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
  event.preventDefault();
}

function Results() {
  const { hits, next, state, error } = found.value;
  const { query } = asked.value;
  if (state === "failed") return <Empty icon="warn" title={t("agent.search.failed")}><p>{error}</p><Button onClick={refresh}>{t("agent.log.retry")}</Button></Empty>;
  if (hits.length === 0 && state === "searching") {
    return <div class="hit-shapes" aria-hidden="true">{[0, 1, 2, 3].map((index) => <span key={index} class="skeleton" />)}</div>;
  }
  if (hits.length === 0) {
    return <Empty icon="search" title={t("agent.search.nothing")}><p>{t(query ? "agent.search.nothing_hint" : "agent.search.nothing_yet")}</p></Empty>;
  }
  return (
    <>
      <ul class="hits" aria-label={t("agent.search.results")} aria-busy={state === "searching"}>
        {hits.map((hit) => <HitRow key={`${hit.contact.id} ${hit.n}`} hit={hit} />)}
      </ul>
      {next !== null && <Button class="more" busy={state === "searching"} onClick={findMore}>{t("agent.search.more")}</Button>}
    </>
  );
}

/** Search over contacts and everything said in them; with nothing typed, the newest. */
export function SearchView() {
  const online = connection.value === "online";
  useEffect(() => {
    if (online) refresh();
  }, [online]);
  return (
    <section class="search" role="search" aria-label={t("agent.search")} onKeyDown={onKeyDown}>
      <h1 class="vh">{t("agent.search")}</h1>
      <header>
        <button type="button" class="btn quiet icon only-narrow" aria-label={t("common.back")} onClick={showList}><Icon name="back" /></button>
        <label class="with-icon">
          <Icon name="search" />
          <input
            ref={(element) => { if (element && document.activeElement === document.body) element.focus(); }}
            class="field"
            type="search"
            aria-label={t("agent.search.field")}
            placeholder={t("agent.search.placeholder")}
            maxLength={200}
            value={asked.value.query}
            onInput={(event) => ask({ query: event.currentTarget.value })}
          />
        </label>
        <Filters />
      </header>
      <div class="results">
        <p class="vh" role="status">{found.value.state === "idle" ? t("agent.search.count", { count: found.value.hits.length }) : ""}</p>
        <Results />
      </div>
    </section>
  );
}
