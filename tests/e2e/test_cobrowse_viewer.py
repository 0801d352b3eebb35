"""The viewer, as built, on an origin of its own, shown what somebody hostile could send."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import socketserver
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Frame, Page, expect

from agent_ui.viewer import viewer_app
from hub.web.assets import Assets
from tests.e2e.hostile import NONSENSE, change, good, hostile
from tests.e2e.people import until
from tests.hub import free_port
from tests.peers import CHECKOUT

# What the desktop does: frames the viewer, gives it a port once it has said from where it speaks.
PARENT = """<!doctype html>
<iframe id="viewer" sandbox="allow-scripts allow-same-origin" width="900" height="700"></iframe>
<script>
  window.heard = []; window.strangers = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => heard.push(data);
  const frame = document.querySelector("iframe");
  addEventListener("message", (event) => {
    if (event.data == "contacthub:viewer" && event.origin == "%(viewer)s" && event.source == frame.contentWindow)
      frame.contentWindow.postMessage("contacthub:viewer", "%(viewer)s", [port2]);
    else strangers.push(String(event.data));
  });
  window.show = (epoch, seq, encoding, text) => {
    const body = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const kind = seq ? "increment" : "snapshot";
    port1.postMessage({ t: "frame", frame: { epoch, seq, kind, part: 0, parts: 1, encoding, body } });
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


class Net:
    """A server that counts who connects to it, which no request that a browser reports would show."""

    def __init__(self) -> None:
        self.connections = 0
        net = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                net.connections += 1

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    net = Net()
    yield net
    net.server.shutdown()
    net.server.server_close()


@pytest.fixture(scope="module")
def desktop() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def origin(desktop: Pages) -> Iterator[str]:
    port = free_port()
    servers: list[uvicorn.Server] = []

    def serve() -> None:
        # Made here: on the tests' own thread a loop runs, on which nothing of ours may read files.
        app = viewer_app(Assets(CHECKOUT / "static"), [desktop.url])
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

    def answer(self) -> str:
        """ "shown" or "missing", what the viewer said of the last frame."""
        until(self.page, f"told({self.epoch})")
        return str(self.page.evaluate("heard.at(-1).t == 'page' ? heard.at(-2).t : heard.at(-1).t"))

    @property
    def viewer(self) -> Frame:
        return self.page.main_frame.child_frames[0]

    def sees(self, words: str) -> None:
        mirror = self.page.frame_locator("#viewer").frame_locator(".stage:not(.coming) iframe")
        expect(mirror.locator("h1")).to_have_text(words)


@pytest.fixture(scope="module")
def desk(chromium: Browser, desktop: Pages, origin: str) -> Iterator[Desk]:
    desk = Desk(chromium, desktop.url)
    yield desk
    desk.context.close()


def test_a_page_is_seen_and_followed(desk: Desk) -> None:
    events = good("Checkout")
    desk.show(json.dumps(events))
    assert desk.answer() == "shown"
    desk.sees("Checkout")
    heading = events[1]["data"]["node"]["childNodes"][0]["childNodes"][1]["childNodes"][0]
    words = heading["childNodes"][0]["id"]
    body = gzip.compress(json.dumps([change(texts=[{"id": words, "value": "Thank you"}])]).encode())
    desk.show("", seq=1, encoding="gzip", packed=body)
    assert desk.answer() == "shown"
    desk.sees("Thank you")
    desk.show("[]", seq=3)
    assert desk.answer() == "missing"
    desk.sees("Thank you")


def test_nothing_hostile_acts_or_fetches(desk: Desk, net: Net) -> None:
    desk.asked.clear()
    before = net.connections
    for name, body in hostile(net.url).items():
        desk.show(body)
        answer = desk.answer()
        assert answer == ("missing" if name in NONSENSE else "shown"), name
        # It lives, and goes on with the next page that makes sense.
        desk.show(json.dumps(good(f"After {name}")))
        assert desk.answer() == "shown", name
        desk.sees(f"After {name}")
        assert desk.viewer.title() == "Shared page", name
        assert desk.page.evaluate("strangers") == [], name
        assert [url for url in desk.asked if not url.startswith("data:")] == [], name
        assert net.connections == before, name
    assert desk.viewer.evaluate("({}).polluted") is None


def test_the_server_that_counts_would_have_counted(chromium: Browser, net: Net) -> None:
    before = net.connections
    careless = Pages()
    careless.html = f'<img src="{net.url}/x.png"><p>Careless</p>'
    context = chromium.new_context()
    page = context.new_page()
    page.goto(careless.url)
    page.get_by_text("Careless").wait_for()
    deadline = time.monotonic() + 15
    while net.connections == before:
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    context.close()
    careless.close()


def test_a_small_frame_that_unpacks_to_gigabytes(desk: Desk) -> None:
    desk.show("", encoding="gzip", packed=gzip.compress(bytes(80 * 1024 * 1024)))
    assert desk.answer() == "missing"
    desk.show(json.dumps(good("Still here")))
    assert desk.answer() == "shown"
    desk.sees("Still here")


def test_nobody_else_may_frame_it_or_speak_to_it(chromium: Browser, origin: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    evil = Pages()
    evil.html = PARENT % {"viewer": origin}
    page.goto(evil.url)
    page.wait_for_timeout(300)
    assert page.evaluate("strangers") == [] and page.frames[1].locator("#mirror").count() == 0
    context.close()
    evil.close()


def test_its_origin_has_nothing_else(origin: str, desktop: Pages) -> None:
    with httpx.Client(base_url=origin, trust_env=False) as client:
        page = client.get("/", headers={"Cookie": "ch_session=x"})
        assert page.status_code == 200 and "set-cookie" not in page.headers and "x" not in page.cookies
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert f"frame-ancestors {desktop.url}" in page.headers["content-security-policy"]
        for path in ("/agent", "/static/manifest.json", "/static/../server.py", "/api/v1/me", "/socket.io/"):
            assert client.get(path).status_code == 404, path
        assert client.post("/").status_code in (404, 405)
