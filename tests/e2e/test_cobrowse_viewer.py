"""The viewer, as built, on an origin of its own, shown what somebody hostile could send."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import socketserver
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from tests.e2e.hostile import NONSENSE, Tree, change, good, hostile
from tests.e2e.people import until
from tests.e2e.test_cobrowse_pictures import png
from tests.e2e.viewer import PARENT, Desk, Pages, served


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
    with served(desktop) as origin:
        yield origin


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


def test_what_can_be_filled_in_is_told_with_what_is_suggested(desk: Desk) -> None:
    tree = Tree()
    area = {"data-cb": "editable", "id": "notes"}
    events = tree.events(
        tree.el("div", area, tree.text("One"), tree.el("br"), tree.text("two")),
        tree.el("div", {"data-cb": "masked"}, tree.text("••••••")),
        tree.el("input", {"id": "tea", "type": "text", "value": "Sencha", "list": "teas"}),
        tree.el(
            "datalist", {"id": "teas"}, tree.el("option", {"value": "Gyokuro"}), tree.el("option", {"value": "Kukicha"})
        ),
        tree.el("input", {"id": "hidden-list", "type": "text", "value": "", "list": "masked"}),
        tree.el("datalist", {"id": "masked", "data-cb": "masked"}, tree.el("option", {"value": "••"})),
        tree.el("input", {"id": "city", "role": "combobox", "value": "Ber", "aria-controls": "cities"}),
        tree.el("ul", {"id": "cities", "role": "listbox"}, tree.el("li", {"role": "option"}, tree.text("Berlin"))),
    )
    desk.show(json.dumps(events))
    assert desk.answer() == "shown"
    until(desk.page, f"heard.some(({{ t, epoch }}) => t == 'fields' && epoch == {desk.epoch})")
    fields = desk.page.evaluate("heard.findLast(({ t }) => t == 'fields').fields")
    told = [(one["kind"], one["label"], one["value"], [option["value"] for option in one["options"]]) for one in fields]
    assert told == [
        ("area", "notes", "One\ntwo", []),
        ("text", "tea", "Sencha", ["Gyokuro", "Kukicha"]),
        ("text", "hidden-list", "", []),
        ("text", "city", "Ber", ["Berlin"]),
    ]


def test_only_pictures_become_pictures(desk: Desk, net: Net) -> None:
    tree = Tree()
    image = tree.el("img", {})
    events = tree.events(image)
    desk.show(json.dumps(events))
    assert desk.answer() == "shown"
    body = png((200, 0, 0))
    name, other = hashlib.sha256(body).hexdigest(), "0" * 64
    junk = [None, [], [image["id"], net.url, 1, 1], [image["id"], "x", 1, 1], ["1", name, 1, 1], [-1, name, 1, 1]]
    url = f"url({net.url}/x.png)"
    told = {
        "source": 100,
        "nodes": [*junk, [image["id"], name, 40, 40]],
        "styles": [*junk, [1, other, 40, 40], [url, name, 1, 1]],
    }
    desk.show(json.dumps([{"type": 3, "data": told, "timestamp": 3}]), seq=1)
    assert desk.answer() == "shown"
    until(desk.page, "heard.some(({ t }) => t == 'want')")
    assert sorted(desk.page.evaluate("heard.find(({ t }) => t == 'want').hashes")) == sorted([name, other])

    def shown() -> str | None:
        image = "document.querySelector('.stage:not(.coming) iframe').contentDocument.querySelector('img')"
        found: str | None = desk.viewer.evaluate(f"{image}.getAttribute('srcset')")
        return found

    svg = f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{net.url}/y.png'/></svg>".encode()
    for hash, content in ((other, svg), ("f" * 64, body), ("x", body), (other, b"GIF89a" + bytes(40))):
        desk.page.evaluate("(given) => give(...given)", [hash, base64.b64encode(content).decode()])
    assert shown() is None
    desk.page.evaluate("(given) => give(...given)", [name, base64.b64encode(body).decode()])
    for _ in range(200):
        if shown():
            break
        desk.page.wait_for_timeout(50)
    assert str(shown()).startswith("blob:")
    assert net.connections == 0
    assert not [url for url in desk.asked if not url.startswith(("blob:", "data:"))]


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
