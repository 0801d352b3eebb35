// The wallboard: figures, queues, agents, alerts.
import { useEffect, useState } from "preact/hooks";
import { may } from "../common/boot.ts";
import { Combobox } from "../common/components/index.ts";
import { locale, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { Why } from "../common/routing/why.tsx";
import { Rail, Shell } from "../common/shell.tsx";
import { connection } from "../common/socket.ts";
import { clock, now } from "../common/time.ts";
import { Agents } from "./agents.tsx";
import { AlertsPane } from "./alerts-pane.tsx";
import { Drawer } from "./drawer.tsx";
import { Kpis } from "./kpis.tsx";
import { loaded, queueRows, showQueue, shownQueue } from "./live.ts";
import { Queues } from "./queues.tsx";
import { TriageButton, TriageDialog } from "./triage.tsx";
import { TryButton, TryDialog } from "./try.tsx";
import { WaitingList } from "./waiting.tsx";

const ALL = "*";

function today(at: number): string {
  return new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" }).format(at);
}

function LiveMark() {
  const live = connection.value === "online" && loaded.value;
  return <span class={`livemark${live ? "" : " off"}`} role="status"><i />{t(live ? "supervisor.live" : "supervisor.not_live")}</span>;
}

/** The whole screen, without what one cannot press from a distance. */
function useWall() {
  const [wall, setWall] = useState(false);
  useEffect(() => {
    const changed = () => setWall(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  const toggle = () => void (wall ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
  return { wall, toggle };
}

function Shapes() {
  return (
    <div class="shapes" role="status" aria-label={t("common.loading")}>
      <div class="skeleton strip" />
      <div class="skeleton" />
      <div class="skeleton" />
    </div>
  );
}

export function App() {
  const { wall, toggle } = useWall();
  const options = [{ value: ALL, label: t("supervisor.all_queues") }, ...[...queueRows.value.values()].map((row) => ({ value: row.id, label: row.name }))];
  const label = t(wall ? "supervisor.wall_end" : "supervisor.wall");
  return (
    <Shell>
      <div class={`board${wall ? " wall" : ""}`}>
        <Rail page="/supervisor" />
        <main class="main">
          <header class="board-top">
            <h1>{t("supervisor.title")}</h1>
            <span class="when num">{today(now.value)}, {clock(now.value)}</span>
            <LiveMark />
            <div class="right">
              <Combobox label={t("supervisor.queues_shown")} value={shownQueue.value || ALL} options={options} onChange={(value) => showQueue(value === ALL ? "" : value)} class="btn" />
              {may("live.view") && <TryButton />}
              {may("live.view") && <TriageButton />}
              <button type="button" class="btn icon" aria-label={label} title={label} aria-pressed={wall} onClick={toggle}>
                <Icon name="fit" small />
              </button>
            </div>
          </header>
          {loaded.value
            ? (
              <>
                <Kpis />
                <Queues />
                <Agents />
              </>
            )
            : <Shapes />}
        </main>
        <AlertsPane />
      </div>
      <WaitingList />
      <TryDialog />
      <TriageDialog />
      <Drawer />
      <Why />
    </Shell>
  );
}
