// A customer's page on its way to the viewer: the socket on /cobrowse, a ticket for each connection, and what the viewer
// in its frame says. One page at a time.

import { signal } from "@preact/signals";
import type { Socket } from "socket.io-client";
import type { Frame } from "../../../../widget/src/cobrowse/frames.ts";
import type { FromViewer, Mode, SharedField, ToViewer } from "../../common/cobrowse.ts";
import { t } from "../../common/i18n.ts";
import { newId } from "../../common/ids.ts";
import { beside, request } from "../../common/socket.ts";
import { Meeting } from "./meeting.ts";
import { isLive, note, sharings, viewer } from "./sharing.ts";

const ACK_MS = 250;
const AGAIN_MS = 700;
const CARD_TRIES = 5;
const TAB_MS = 6000;

export interface View {
  /** Something is to be seen. */
  there: boolean;
  connected: boolean;
  href: string;
  width: number;
  height: number;
  /** Fields and areas that the customer keeps to himself. */
  hidden: number;
  /** Milliseconds behind the customer, as far as it can be known. */
  behind: number | null;
  /** Drawings of the page, of which a picture can be asked for. */
  drawings: number;
  /** The customer has just turned to another tab. */
  tab: boolean;
  failed: string;
  epoch: number;
  fields: readonly SharedField[];
}

export interface Picked {
  epoch: number;
  node: number;
  label: string;
  field: boolean;
  mode: Mode;
}

const NOTHING: View = { there: false, connected: false, href: "", width: 0, height: 0, hidden: 0, behind: null, drawings: 0, tab: false, failed: "", epoch: 0, fields: [] };

export const view = signal<View>(NOTHING);
export const picked = signal<Picked | null>(null);
/** What became of each action, by its id. */
export const results = signal<ReadonlyMap<string, string>>(new Map());

function change(next: Partial<View>): void {
  view.value = { ...view.value, ...next };
}

/** Shows the contact's page in `frame` until it is ended. */
export class Line {
  private readonly meeting: Meeting;
  private socket: Socket | null = null;
  private ticket = "";
  private ended = false;
  private joining = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tabbing: ReturnType<typeof setTimeout> | undefined;
  private acking: ReturnType<typeof setTimeout> | undefined;
  private shown: { epoch: number; seq: number } | null = null;
  private mode: Mode = "see";
  private roundTrip = 0;
  private arrived = new Map<string, number>();
  private drawing = 0;
  private cards = { id: "", tried: 0 };
  private readonly operations = new Map<string, string>();

  constructor(private readonly contact: string, frame: HTMLIFrameElement) {
    view.value = NOTHING;
    picked.value = null;
    this.meeting = new Meeting(frame, viewer!, { t: "words", picture: t("cobrowse.picture"), pictures: true }, (data) => this.heard(data), () => {
      this.tell({ t: "mode", mode: this.mode });
      this.again(0);
    });
    this.join();
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
    clearTimeout(this.acking);
    clearTimeout(this.tabbing);
    this.meeting.end();
    this.socket?.removeAllListeners();
    this.socket?.disconnect();
    view.value = NOTHING;
  }

  private tell(data: ToViewer): void {
    this.meeting.tell(data);
  }

  private join(): void {
    if (this.ended || this.joining || this.socket?.connected || !this.meeting.met) return;
    if (!isLive(sharings.value.get(this.contact))) return this.again();
    this.joining = true;
    request<{ ticket: string }>("cobrowse:ticket", { contact: this.contact })
      .then(({ ticket }) => {
        this.ticket = ticket;
        if (this.ended) return;
        if (this.socket) this.socket.connect();
        else this.connect();
      })
      .catch(() => this.again())
      .finally(() => (this.joining = false));
  }

  private again(after = AGAIN_MS): void {
    clearTimeout(this.timer);
    if (!this.ended) this.timer = setTimeout(() => this.join(), after);
  }

  private connect(): void {
    const socket = (this.socket = beside("/cobrowse"));
    socket.auth = (give) => give({ ticket: this.ticket });
    const lost = () => {
      change({ connected: false });
      // Its ticket is spent, so the library must not try by itself.
      socket.disconnect();
      this.again();
    };
    socket.on("connect", () => change({ connected: true }));
    socket.on("disconnect", lost);
    socket.on("connect_error", lost);
    socket.on("cb:frame", (raw: Frame & { body: ArrayBuffer }) => {
      const body = new Uint8Array(raw.body);
      if (raw.part === raw.parts - 1) this.arrived.set(`${raw.epoch} ${raw.seq}`, performance.now());
      this.tell({ t: "frame", frame: { ...raw, body } });
    });
    socket.on("cb:picture", ({ hash, body }: { hash: string; body: ArrayBuffer }) => this.tell({ t: "picture", hash, body: new Uint8Array(body) }));
    socket.on("cb:cursor", (at: { x: number; y: number }) => this.tell({ t: "cursor", at }));
    socket.on("cb:state", (state: { hidden: number; rtt: number; failed: string }) => {
      change({ hidden: state.hidden, failed: state.failed });
      this.roundTrip = state.rtt;
    });
    socket.on("cb:tab", () => {
      note(this.contact, "tab");
      clearTimeout(this.tabbing);
      change({ tab: true });
      this.tabbing = setTimeout(() => change({ tab: false }), TAB_MS);
    });
    socket.on("cb:act_res", ({ id, operation, result, field }: { id: string; operation: string; result: string; field: string }) => {
      results.value = new Map(results.value).set(id, result);
      if (result === "stale" && this.cards.id === id && this.cards.tried < CARD_TRIES) {
        // The page was told anew in this very moment: the same once more, when it is here.
        setTimeout(() => this.card(this.cards.tried + 1), AGAIN_MS);
        return;
      }
      note(this.contact, `${operation}.${result}`, this.operations.get(id) ?? field);
    });
    socket.connect();
  }

  private heard(data: FromViewer): void {
    if (data.t === "shown") return this.ack(data.epoch, data.seq);
    if (data.t === "missing") return void this.socket?.emit("cb:resync", {});
    if (data.t === "page") return change({ href: data.href, width: data.width, height: data.height, drawings: data.drawings, there: true });
    if (data.t === "want") return void this.socket?.emit("cb:want", { hashes: data.hashes });
    if (data.t === "fields") return change({ fields: data.fields, epoch: data.epoch });
    if (data.t === "point") return void this.socket?.volatile.emit("cb:point", data.at);
    if (data.t === "draw") return void this.socket?.emit("cb:draw", { id: data.id, points: data.points });
    if (data.t === "pick") picked.value = data;
  }

  private ack(epoch: number, seq: number): void {
    const first = this.shown === null || this.shown.epoch !== epoch;
    this.shown = { epoch, seq };
    const key = `${epoch} ${seq}`;
    this.drawing = performance.now() - (this.arrived.get(key) ?? performance.now());
    this.arrived.delete(key);
    if (this.arrived.size > 500) this.arrived.clear();
    if (first) this.send();
    else this.acking ??= setTimeout(() => this.send(), ACK_MS);
  }

  private send(): void {
    clearTimeout(this.acking);
    this.acking = undefined;
    const begun = performance.now();
    this.socket?.emit("cb:ack", this.shown, () => {
      // Half of each way there and back, and what it took to show it.
      change({ behind: Math.max(1, Math.round((performance.now() - begun + this.roundTrip) / 2 + this.drawing)) });
    });
  }

  /** What drawings of the page show now. */
  stills(): void {
    this.socket?.emit("cb:stills", {});
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    picked.value = null;
    this.tell({ t: "mode", mode });
    this.tell({ t: "frame_node", node: 0 });
  }

  frameNode(node: number): void {
    this.tell({ t: "frame_node", node });
  }

  look(epoch: number, node: number): void {
    this.socket?.emit("cb:look", { epoch, node });
    note(this.contact, "look");
  }

  /** What the customer card has, into the fields that it belongs in; told field by field. */
  card(tried = 0): void {
    const id = newId();
    this.cards = { id, tried };
    this.socket?.emit("cb:card", { id, epoch: view.value.epoch }, (answer: { ok: boolean }) => {
      if (!answer.ok) note(this.contact, "card.denied");
    });
  }

  /** Returns the action's id; what becomes of it is in `results`. */
  act(operation: "fill" | "click" | "navigate", epoch: number, node: number, label: string, value = "", base = ""): string {
    const id = newId();
    this.operations.set(id, label);
    this.socket?.emit("cb:act", { id, operation, epoch, node, value, base }, (answer: { ok: boolean; error?: { code: string } }) => {
      if (!answer.ok) results.value = new Map(results.value).set(id, "denied");
    });
    return id;
  }
}
