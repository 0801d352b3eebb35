// The page in which an agent sees a customer's page. It lives on an origin of its own, without cookies and under a policy
// that lets nothing in and out but the port to the desktop around it, so that nothing of the mirrored page can act there.

import "./viewer.css";

import { READY, type FromViewer, type ToViewer } from "../common/cobrowse.ts";
import { sharedFields } from "./fields.ts";
import { Hand } from "./hand.ts";
import { Mirror } from "./mirror.ts";
import { Pictures } from "./pictures.ts";
import { Receiver } from "./receive.ts";

const hub = document.documentElement.dataset["hub"]!;
const pointer = document.getElementById("pointer")!;

let port: MessagePort | null = null;
const tell = (data: FromViewer) => port?.postMessage(data);
const pictures = new Pictures((hashes) => tell({ t: "want", hashes }));
const mirror = new Mirror(document.getElementById("mirror")!, pictures);

let described = "";
function describe(): void {
  const page = { t: "page" as const, ...mirror.page, drawings: pictures.drawings };
  if (described == (described = JSON.stringify(page))) return;
  tell(page);
}

let epoch = 0;
const hand = new Hand(mirror, document.getElementById("hand")!, document.getElementById("chosen")!, () => epoch, tell);

/** Some moments after changes, as they come in numbers. */
let looking: ReturnType<typeof setTimeout> | undefined;
let fields = "";
function lookForFields(): void {
  looking ??= setTimeout(() => {
    looking = undefined;
    try {
      const found = { t: "fields" as const, epoch, fields: sharedFields(mirror) };
      if (fields != (fields = JSON.stringify(found))) tell(found);
      hand.follow();
    } catch {
      // a page that no list can be made of is still a page to be seen
    }
  }, 120);
}

const receiver = new Receiver(
  (shown) => {
    mirror.show(shown);
    epoch = shown.epoch;
    describe();
    lookForFields();
    tell({ t: "shown", epoch: shown.epoch, seq: shown.seq });
  },
  () => tell({ t: "missing" }),
);

function heard({ data }: MessageEvent<ToViewer>): void {
  if (data.t == "frame") receiver.take(data.frame);
  else if (data.t == "cursor") {
    const { left, top } = mirror.place(data.at.x, data.at.y);
    pointer.style.transform = `translate(${left}px, ${top}px)`;
    pointer.hidden = false;
  } else if (data.t == "mode") hand.mode = data.mode;
  else if (data.t == "frame_node") hand.choose(data.node);
  else if (data.t == "picture") pictures.arrived(data.hash, data.body);
  else if (data.t == "words") {
    pictures.label = data.picture;
    pictures.some = data.pictures;
  }
}

addEventListener("message", (event: MessageEvent) => {
  if (event.source != parent || event.origin != hub || event.data != READY || !event.ports[0] || port) return;
  port = event.ports[0];
  port.onmessage = heard;
});
// What rrweb throws out of turn must not go unnoticed: the picture may be wrong from here on.
addEventListener("error", () => receiver.lose());
addEventListener("unhandledrejection", () => receiver.lose());
new ResizeObserver(() => {
  mirror.fit();
  hand.follow();
}).observe(document.getElementById("mirror")!);
if (parent != window) parent.postMessage(READY, hub);
