// What the customer has before the eyes while he shares the page: a banner that says so and stops it, and what the agent
// shows and does there. It begins and ends the recorder, and lets nothing out of a page that the hub has not let in.
// Runs in the customer's page, in a shadow root of its own that catches no click but on its own buttons.

import { Acting, type Act, type ActResult, type Card } from "./acting.ts";
import type { Frame } from "./frames.ts";
import type { FromPage, Share, Sharing } from "./main.ts";
import { Overlay } from "./overlay.ts";
import type { MakePictures, Pictures } from "./pictures.ts";

type Capability = "view" | "point" | "draw" | "scroll" | "type" | "click" | "navigate" | "record";

/** The customer's language, from the panel. */
export interface Words {
  locale: string;
  dir: "ltr" | "rtl";
  seen: string;
  paused: string;
  paused_page: string;
  stop: string;
  pause: string;
  resume: string;
  may: Record<Capability, string>;
  look: string;
  show: string;
  suggests: string;
  use: string;
  no: string;
  press: string;
  press_yes: string;
  revoke: string;
  send: string;
  go: string;
  go_yes: string;
}

export interface Start {
  session: string;
  /** The page's snapshots are numbered from here on. */
  epoch: number;
  granted: Capability[];
  /** The customer wanted a moment for himself. */
  held: boolean;
  words: Words;
  recorder: string;
  pictures: string;
}

export type ToCompanion =
  | { t: "cb:start"; d: Start }
  /** Whether the page of this address may be shown. */
  | { t: "cb:shown"; d: { url: string; shared: boolean } }
  | { t: "cb:resync" | "cb:end"; d?: undefined }
  /** Another tab is shown now. */
  | { t: "cb:standby"; d?: undefined }
  | { t: "cb:backlog"; d: number }
  /** Pictures that a viewer has not got, by their hashes. */
  | { t: "cb:want"; d: { hashes: string[] } }
  /** What drawings (canvas) show now is to be told. */
  | { t: "cb:stills"; d?: undefined }
  | { t: "cb:point"; d: { x: number; y: number; name: string } }
  | { t: "cb:draw"; d: { id: string; points: [number, number][] } }
  | { t: "cb:look"; d: { node: number; epoch: number; name: string; scroll: boolean } }
  | { t: "cb:act"; d: Act }
  | { t: "cb:card"; d: Card };

export type FromCompanion =
  /** active: the customer turns to this tab. */
  | { t: "cb:ready" | "cb:stop" | "cb:active" }
  | { t: "cb:page"; url: string }
  | { t: "cb:hold"; on: boolean }
  | { t: "cb:revoke"; capability: Capability }
  | { t: "cb:res"; d: ActResult };

const LOOK_MS = 500;

/** The address as the hub judges it: neither query nor fragment leave the page. */
const here = () => location.origin + location.pathname;

function run(port: MessagePort, calls: Record<string, (data: any) => void>): void {
  let start: Start | null = null;
  let share: Share | undefined;
  let sharing: Sharing | null = null;
  let draws: MakePictures | undefined;
  let pictures: Pictures | null = null;
  let asked = "";
  let allowed = "";
  let epoch = 0;
  let loading = false;
  let timer = 0;

  const send = (data: FromCompanion) => port.postMessage(data);
  const overlay = new Overlay({ stop: () => stop(), hold: (on) => send({ t: "cb:hold", on }), revoke });
  const acting = new Acting(overlay, (id) => sharing?.node(id) ?? null, () => epoch, (d) => send({ t: "cb:res", d }));

  /** The recorder's end of the port: what it says of a page that was not let in, a moment after the address changed, is lost. */
  const guarded = {
    postMessage(data: FromPage, transfer: Transferable[] = []) {
      if (here() != allowed) return look();
      if (data.t == "cb:frame") epoch = (data.frame as Frame).epoch;
      port.postMessage(data, transfer);
    },
  };

  function look(): void {
    if (!start || here() == asked) return;
    asked = here();
    if (asked != allowed) overlay.rest();
    send({ t: "cb:page", url: asked });
  }

  function begin(): void {
    if (!start || sharing || start.held || here() != allowed) return;
    if (share) {
      sharing = share(guarded, epoch);
      picture();
    } else if (!loading) {
      loading = true;
      calls["load"]!(start.recorder);
      calls["load"]!(start.pictures);
    }
  }

  function picture(): void {
    if (sharing && draws) pictures ??= draws(sharing, guarded);
  }

  function rest(): void {
    pictures?.stop();
    pictures = null;
    sharing?.stop();
    sharing = null;
    overlay.rest();
  }

  function draw(): void {
    if (start) overlay.banner(start.words, start.granted, start.held ? "customer" : here() == allowed ? "" : asked == here() && refused == here() ? "page" : "");
  }
  let refused = "";

  let waiting = false;
  function turned(event: Event): void {
    if (!waiting || !event.isTrusted || (event as KeyboardEvent).key == "Escape") return;
    waiting = false;
    send({ t: "cb:active" });
  }
  for (const name of ["pointerdown", "keydown", "focus"]) addEventListener(name, turned, { capture: true, passive: true });

  /** Holds here at once, whatever is on its way. */
  function revoke(capability: Capability): void {
    if (!start) return;
    start.granted = acting.granted = start.granted.filter((one) => one != capability);
    if (capability == "point" || capability == "draw") overlay.wipe();
    draw();
    send({ t: "cb:revoke", capability });
  }

  function stop(): void {
    if (!start) return;
    end();
    send({ t: "cb:stop" });
  }

  function end(): void {
    rest();
    start = null;
    asked = allowed = refused = "";
    clearInterval(timer);
    timer = 0;
    overlay.gone();
  }

  // Set by the recorder once it has been fetched.
  calls["cobrowse"] = (given: Share) => {
    share = given;
    begin();
  };
  calls["pictures"] = (given: MakePictures) => {
    draws = given;
    picture();
  };

  port.addEventListener("message", ({ data }: MessageEvent<ToCompanion>) => {
    switch (data.t) {
      case "cb:start":
        start = data.d;
        waiting = false;
        epoch = Math.max(epoch, start.epoch);
        timer ||= window.setInterval(look, LOOK_MS);
        if (start.held) rest();
        acting.granted = start.granted;
        asked = "";
        look();
        return draw();
      case "cb:shown":
        if (data.d.url != here()) return look();
        allowed = data.d.shared ? data.d.url : "";
        refused = data.d.shared ? "" : data.d.url;
        if (!data.d.shared) rest();
        else if (sharing) sharing.resync();
        else begin();
        return draw();
      case "cb:resync":
        return sharing?.resync();
      case "cb:backlog":
        pictures?.backlog(data.d);
        return sharing?.backlog(data.d);
      case "cb:standby":
        end();
        waiting = true;
        return;
      case "cb:end":
        waiting = false;
        return end();
    }
    if (!sharing || here() != allowed) return;
    const may = (one: Capability) => acting.granted.includes(one);
    if (data.t == "cb:point") may("point") && overlay.point(data.d.x, data.d.y, data.d.name);
    else if (data.t == "cb:draw") may("draw") && overlay.draw(data.d.id, data.d.points);
    else if (data.t == "cb:look") may("point") && acting.look(data.d);
    else if (data.t == "cb:act") acting.act(data.d);
    else if (data.t == "cb:card") acting.card(data.d);
    else if (data.t == "cb:want") pictures?.give(data.d.hashes);
    else if (data.t == "cb:stills") pictures?.stills();
  });
  // Escape that the page has used for something of its own means that, and not us.
  addEventListener("keydown", (event) => event.key == "Escape" && !event.defaultPrevented && !overlay.asking && stop());
  send({ t: "cb:ready" });
}

(window as { ContactHub?: (name: string, given: unknown) => void }).ContactHub?.("run", run);
