"""The same flow on pages as others build them: a long article, a shop, a single-page application with a framework, a
table of 5,000 rows, a checkout of 20 fields. What happens on the page is seen; the agent fills in a field.

The customer's parts and the viewer are the built ones, in Chromium; the relay between them is the server's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.pages_like_others import FIXTURES
from tests.e2e.people import until
from tests.e2e.test_cobrowse_companion import ALL, start
from tests.e2e.test_cobrowse_mirror import MIRROR, SEEN, Line, difference
from tests.e2e.viewer import Desk, Pages, served
from tests.peers import CHECKOUT

# What loader and panel do; frames wait in `left` for whoever carries them on.
HOST = """() => {
  const { port1, port2 } = new MessageChannel();
  const text = (bytes) => {
    let made = "";
    for (let at = 0; at < bytes.length; at += 10000) made += String.fromCharCode(...bytes.subarray(at, at + 10000));
    return btoa(made);
  };
  window.left = []; window.results = []; window.panel = port1;
  port1.onmessage = ({ data }) => {
    if (data.t == "cb:frame") left.push({ ...data.frame, body: text(data.frame.body) });
    if (data.t == "cb:res") results.push(data.d);
    if (data.t == "cb:page") port1.postMessage({ t: "cb:shown", d: { url: data.url, shared: true } });
  };
  port2.start();
  const calls = { load: () => {} };
  window.ContactHub = (name, given) => name == "run" ? given(port2, calls) : calls[name](given);
  window.sharing = { resync: () => port1.postMessage({ t: "cb:resync" }) };
}"""


@pytest.fixture(scope="module")
def desktop() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


def equal(page: Page, desk: Desk, line: Line) -> None:
    """Carries on until the mirror shows what the page shows."""
    deadline = time.monotonic() + 60
    while True:
        line.carry()
        expected = page.evaluate(f"({SEEN})(document, false)")
        shown = desk.viewer.evaluate(f"{MIRROR}?.body ? ({SEEN})({MIRROR}, true) : ''")
        if shown == expected:
            return
        assert time.monotonic() < deadline, difference(shown, expected)
        page.wait_for_timeout(60)


@pytest.mark.parametrize("name", FIXTURES)
def test_the_same_flow(chromium: Browser, desktop: Pages, name: str) -> None:
    fixture = FIXTURES[name]()
    manifest = json.loads((CHECKOUT / "static/manifest.json").read_text())
    site = Pages()
    site.html = fixture.html
    with served(desktop):
        desk = Desk(chromium, desktop.url)
        context = chromium.new_context()
        page = context.new_page()
        page.goto(site.url)
        page.evaluate(HOST)
        for part in ("companion", "cobrowse"):
            page.evaluate((CHECKOUT / "static" / manifest[part]["file"]).read_text())
        start(page, ALL)
        until(page, "left.length > 0")
        line = Line(page, desk, 1, faults=False)
        equal(page, desk, line)

        # The customer writes, and what happens on the page is seen.
        page.locator(f"#{fixture.field}").press_sequentially("Tea")
        equal(page, desk, line)
        for step in fixture.steps:
            page.evaluate(f"() => {{ {step} }}")
            equal(page, desk, line)

        # The agent fills it in, by the number that the viewer knows it by.
        page.evaluate("document.activeElement.blur()")
        sent = 0
        deadline = time.monotonic() + 60
        while not page.evaluate("results.some(({ result }) => result == 'done')"):
            assert time.monotonic() < deadline, page.evaluate("results")
            line.carry()
            told = desk.page.evaluate("window.fields")
            label = page.evaluate("(id) => document.querySelector(`label[for=${id}]`).textContent", fixture.field)
            field = next((one for one in told["fields"] if one["label"] == label), None)
            if field is not None and sent == page.evaluate("results.length"):
                sent += 1
                act = {"id": f"a{sent}", "operation": "fill", "epoch": told["epoch"], "node": field["node"]}
                given = {**act, "value": "Kukicha", "base": field["value"], "name": "Nadia"}
                page.evaluate("(d) => panel.postMessage({ t: 'cb:act', d })", given)
            page.wait_for_timeout(60)
        assert page.locator(f"#{fixture.field}").input_value() == "Kukicha"
        equal(page, desk, line)
        mirrored = desk.viewer.evaluate(f"{MIRROR}.documentElement.outerHTML")
        assert "wombat" not in mirrored and "4242" not in mirrored
        desk.context.close()
        context.close()
    site.close()
