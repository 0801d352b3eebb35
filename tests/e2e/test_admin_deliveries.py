"""A webhook's deliveries: what another system answered, and sending it once more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.office import Office, accessible
from tests.hub import DemoHub
from tests.peers import require


class Shop(ThreadingHTTPServer):
    """Another system: answers with `status` and keeps the ids of what reached it."""

    status = 503

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Inbox)
        self.received: list[str] = []


class Inbox(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(self.headers["X-ContactHub-Delivery"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def office(chromium: Browser, tmp_path: Path, artefacts: Path) -> Iterator[Office]:
    require("node")
    hub = DemoHub(tmp_path, settings="[webhooks]\nallow_private = true\n").start()
    group = Office(chromium, hub, artefacts)
    yield group
    group.leave()
    hub.stop()


def test_a_delivery_that_failed_is_sent_again_by_hand(office: Office, shop: Shop) -> None:
    staff = office.enter("admin", "/admin#/webhooks/new")
    page = staff.page
    page.get_by_role("textbox", name="Name").fill("Stock system")
    page.get_by_role("textbox", name="Address").fill(f"http://127.0.0.1:{shop.server_port}/hook")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="I have kept it").click()

    # A change of the configuration is an event too, and the webhook itself was one.
    deliveries = page.get_by_role("table", name="Deliveries")
    row = deliveries.get_by_role("row").filter(has_text="config.changed").first
    expect(row).to_contain_text("Trying again", timeout=15_000)
    expect(row).to_contain_text("HTTP 503")
    staff.picture("failing")
    assert accessible(page) == []

    shop.status = 200
    row.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It is being sent again")).to_be_visible()
    expect(row).to_contain_text("Delivered", timeout=15_000)
    assert len(set(shop.received)) < len(shop.received), "the same delivery came twice, under the same id"
