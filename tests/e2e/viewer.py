"""The viewer, served as it will be, and a page around it in the desktop's place."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.server
import threading
import time
from collections.abc import Iterator

import uvicorn
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Frame as ChildFrame

from agent_ui.viewer import viewer_app
from channels.cobrowse.relay import Frame
from hub.web.assets import Assets
from tests.e2e.people import until
from tests.peers import CHECKOUT
from tests.ports import free_port

# What the desktop does: frames the viewer, gives it a port once it has said from where it speaks.
PARENT = """<!doctype html>
<iframe id="viewer" sandbox="allow-scripts allow-same-origin" width="900" height="700"></iframe>
<script>
  window.heard = []; window.strangers = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => {
    if (data.t == "fields") window.fields = data;
    heard.push(data);
  };
  const frame = document.querySelector("iframe");
  addEventListener("message", (event) => {
    if (event.data == "contacthub:viewer" && event.origin == "%(viewer)s" && event.source == frame.contentWindow)
      frame.contentWindow.postMessage("contacthub:viewer", "%(viewer)s", [port2]);
    else strangers.push(String(event.data));
  });
  window.show = (epoch, seq, encoding, text, part = 0, parts = 1) => {
    const body = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const kind = seq ? "increment" : "snapshot";
    port1.postMessage({ t: "frame", frame: { epoch, seq, kind, part, parts, encoding, body } });
  };
  window.give = (hash, text) => {
    const body = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    port1.postMessage({ t: "picture", hash, body });
  };
  window.told = (epoch) => heard.some((data) => data.t == "missing" || (data.t == "shown" && data.epoch == epoch));
  frame.src = "%(viewer)s/";
</script>"""


class Pages:
    """A server of the one page that is the desktop, or that would like to be."""

    def __init__(self) -> None:
        self.html = ""
        pages = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(pages.html.encode())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def served(desktop: Pages) -> Iterator[str]:
    """The viewer's origin; `desktop` becomes the page that may frame it."""
    port = free_port()
    servers: list[uvicorn.Server] = []

    def serve() -> None:
        # Made here: on the tests' own thread a loop runs, on which nothing of ours may read files.
        app = viewer_app(Assets(CHECKOUT / "static"), lambda _: [desktop.url])
        servers.append(uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None)))
        servers[0].run()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    while not (servers and servers[0].started):
        assert thread.is_alive()
        time.sleep(0.01)
    origin = f"http://127.0.0.1:{port}"
    desktop.html = PARENT % {"viewer": origin}
    yield origin
    servers[0].should_exit = True
    thread.join(timeout=20)


class Desk:
    """A desktop with the viewer in it; `asked` are the requests that were made once the viewer stood."""

    def __init__(self, chromium: Browser, url: str) -> None:
        self.context = chromium.new_context()
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.epoch = 0
        self.page.goto(url)
        self.page.frame_locator("#viewer").locator("#mirror").wait_for(state="attached")
        until(self.page, "document.querySelector('iframe') && true")
        self.context.on("request", lambda request: self.asked.append(request.url))

    def show(self, body: str, *, seq: int = 0, encoding: str = "json", packed: bytes | None = None) -> None:
        """Sends a frame; a new epoch with each snapshot."""
        if seq == 0:
            self.epoch += 1
        if len(body) > 100_000:
            encoding, packed = "gzip", gzip.compress(body.encode())
        self.page.evaluate("heard.length = 0")
        text = base64.b64encode(packed if packed is not None else body.encode()).decode()
        self.page.evaluate("(frame) => show(...frame)", [self.epoch, seq, encoding, text])

    def pass_on(self, frames: list[Frame]) -> None:
        """Frames as they come from a relay, in their order."""
        for frame in frames:
            text = base64.b64encode(frame.body).decode()
            raw = [frame.epoch, frame.seq, frame.encoding, text, frame.part, frame.parts]
            self.page.evaluate("(frame) => show(...frame)", raw)

    def answer(self) -> str:
        """ "shown" or "missing", what the viewer said of the last frame."""
        until(self.page, f"told({self.epoch})")
        return str(self.page.evaluate("heard.filter(({ t }) => t == 'shown' || t == 'missing').at(-1).t"))

    @property
    def viewer(self) -> ChildFrame:
        return self.page.main_frame.child_frames[0]

    def sees(self, words: str) -> None:
        mirror = self.page.frame_locator("#viewer").frame_locator(".stage:not(.coming) iframe")
        expect(mirror.locator("h1")).to_have_text(words)
