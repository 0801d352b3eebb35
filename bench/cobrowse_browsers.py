"""How late a shared page is, both ways, between two browsers and the demo's hub on this machine; bytes and snapshots.

    python -m bench.cobrowse_browsers                          needs chromium and the built front end
    python -m bench.cobrowse_browsers --keys 20                a look whether it works

Typing: from the key in the customer's field until the mirror has it. Pointing: from the move of the agent's pointer
until it stands on the customer's page. Both pages look every two milliseconds; all of it shares this machine's cores.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import CHROMIUM
from tests.e2e.people import Agent, Visitor, until
from tests.e2e.test_cobrowse_story import ask, mirror, two_ports
from tests.hub import DemoHub

RESYNCS = 10
NOW = "performance.timeOrigin + performance.now()"
# In the viewer's page: when the mirror's field has so many letters.
WATCH_FIELD = f"""() => {{
  window.seen = [];
  setInterval(() => {{
    const page = document.querySelector(".stage:not(.coming) iframe")?.contentDocument;
    const length = page?.querySelector("#gift")?.value.length ?? 0;
    if (length && !seen[length]) seen[length] = {NOW};
  }}, 2);
}}"""
WATCH_POINTER = f"""() => {{
  window.stood = [];
  const hosts = () => [...document.querySelectorAll("contact-hub")];
  const find = () => hosts().map((host) => host.shadowRoot.querySelector(".ptr")).find(Boolean);
  setInterval(() => {{
    const at = find()?.style.transform.match(/[0-9.]+/)?.[0];
    if (at && stood.at(-1)?.[0] != at) stood.push([at, {NOW}]);
  }}, 2);
}}"""
# What rrweb throws is taken as a gap, from where on nothing is shown until the page was told anew.
LOSE = """() => {
  const old = document.querySelector(".stage:not(.coming)");
  const begun = performance.now();
  window.mended = 0;
  const look = setInterval(() => {
    const now = document.querySelector(".stage:not(.coming)");
    if (!now || now == old) return;
    clearInterval(look);
    window.mended = performance.now() - begun;
  }, 2);
  dispatchEvent(new ErrorEvent("error"));
}"""
TYPED = f"""() => {{
  window.typed = [];
  const note = ({{ target }}) => (typed[target.value.length] = {NOW});
  document.querySelector("#gift").addEventListener("input", note, true);
}}"""
MOVED = f"""() => {{
  window.moved = [];
  document.querySelector("#hand").addEventListener("pointermove", () => moved.push({NOW}), true);
}}"""


def say(name: str, late: list[float]) -> None:
    late = sorted(late)
    p50, p95 = late[len(late) // 2], late[int(len(late) * 0.95)]
    print(f"{name:<28} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   most {late[-1]:6.1f} ms   of {len(late)}", flush=True)


def viewer_of(agent: Agent) -> Any:
    origin = agent.page.locator(".cob-frame").get_attribute("src")
    return next(frame for frame in agent.page.frames if origin and frame.url == origin)


def count_bytes(page: Page, totals: list[int]) -> None:
    page.on("websocket", lambda ws: ws.on("framesent", lambda data: totals.append(len(data))))


def main() -> None:
    parser = argparse.ArgumentParser(description="Two browsers on one shared page.")
    parser.add_argument("--keys", type=int, default=120)
    keys = parser.parse_args().keys
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = DemoHub(folder, port=two_ports()).start()
        stack.callback(hub.stop)
        path = shutil.which("chromium")
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=path, args=CHROMIUM)
        stack.callback(browser.close)
        agent, clara = Agent(browser, hub.url, "agent1", folder, {}), Visitor(browser, hub.url, folder, {})
        sent: list[int] = []
        count_bytes(clara.page, sent)
        clara.visit("/demo/checkout.html")
        clara.start_chat("Clara", "Support", "Hello")
        agent.set_status("available")
        agent.accept("Clara")
        ask(agent)
        clara.widget.get_by_role("button", name="Share", exact=True).click()
        expect(mirror(agent).get_by_role("heading", name="Checkout")).to_be_visible()

        viewer = viewer_of(agent)
        viewer.evaluate(WATCH_FIELD)
        clara.page.evaluate(TYPED)
        clara.page.locator("#gift").focus()
        before = len(sent)
        for n in range(keys):
            clara.page.keyboard.type("abcdefghij"[n % 10])
            clara.page.wait_for_timeout(60)
        expect(mirror(agent).locator("#gift")).to_have_value(("abcdefghij" * keys)[: min(keys, 160)])
        typed, seen = clara.page.evaluate("typed"), viewer.evaluate("seen")
        say("typing, customer to agent", [b - a for a, b in zip(typed, seen, strict=False) if a and b])
        print(f"{'while typing':<28} {sum(sent[before:]) / (keys * 0.08) / 1000:.1f} kB/s", flush=True)

        late = []
        for _ in range(RESYNCS):
            viewer.evaluate(LOSE)
            until(viewer, "window.mended")
            late.append(viewer.evaluate("mended"))
            clara.page.wait_for_timeout(2200)  # one in two seconds is given
        say("resync after a lost frame", late)

        before, begun = len(sent), time.monotonic()
        for n in range(20):
            clara.page.mouse.wheel(0, 400 if n % 4 < 2 else -400)
            clara.page.mouse.move(200 + 20 * n, 300)
            clara.page.locator("#gift").fill(f"Words {n}")
            clara.page.locator("#country").select_option(index=n % 2)
        seconds = time.monotonic() - begun
        print(f"{'busy on the checkout':<28} {sum(sent[before:]) / seconds / 1000:.1f} kB/s", flush=True)

        clara.page.evaluate(WATCH_POINTER)
        viewer.evaluate(MOVED)
        agent.page.get_by_role("button", name="Point", exact=True).click()
        box = agent.page.locator(".cob-frame").bounding_box()
        assert box is not None
        late = []
        for n in range(keys):
            viewer.evaluate("moved.length = 0")
            clara.page.evaluate("stood.length = 0")
            agent.page.mouse.move(box["x"] + 60 + n % 100, box["y"] + 60 + n % 37)
            clara.page.wait_for_timeout(120)
            moved, stood = viewer.evaluate("moved"), clara.page.evaluate("stood")
            # What stood there before is noted again at first.
            if moved and len(stood) > 1:
                late.append(stood[-1][1] - moved[-1])
        say("pointing, agent to customer", late)


if __name__ == "__main__":
    main()
