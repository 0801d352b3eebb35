// The page in which an agent sees a customer's page. It lives on an origin of its own, without cookies and under a policy
// that lets nothing in and out but the port to the desktop around it, so that nothing of the mirrored page can act there.

import "./viewer.css";

import { READY, type FromViewer, type ToViewer } from "../common/cobrowse.ts";
import { Mirror } from "./mirror.ts";
import { Receiver } from "./receive.ts";

const hub = document.documentElement.dataset["hub"]!;
const mirror = new Mirror(document.getElementById("mirror")!);
const pointer = document.getElementById("pointer")!;

let port: MessagePort | null = null;
const tell = (data: FromViewer) => port?.postMessage(data);

let described = "";
function describe(): void {
  const page = { t: "page" as const, ...mirror.page };
  if (described == (described = JSON.stringify(page))) return;
  tell(page);
}

const receiver = new Receiver(
  (shown) => {
    mirror.show(shown);
    describe();
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
new ResizeObserver(() => mirror.fit()).observe(document.getElementById("mirror")!);
if (parent != window) parent.postMessage(READY, hub);
