"""What sharing costs the customer's page: snapshots, and the main thread at rest, in Chromium.

    python -m bench.cobrowse_page                     needs chromium and the built front end
    python -m bench.cobrowse_page --rest 3 --times 5  a look whether it works

A snapshot is one idle callback: rrweb reads the page, `scrub()` builds it anew, and it is written as JSON (it is packed
elsewhere). Warm: the first few are left out. At rest: a page with a clock that changes every second, shared and not
shared, as the share of the main thread's time that its tasks take (of the processor, whoever else uses it).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import time

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.e2e.conftest import CHROMIUM
from tests.e2e.people import until
from tests.e2e.test_cobrowse_companion import ALL, start
from tests.e2e.test_cobrowse_pages import HOST
from tests.e2e.viewer import Pages
from tests.peers import CHECKOUT

WARM = 5
TIMED = """() => {
  window.took = [];
  const idle = window.requestIdleCallback.bind(window);
  window.requestIdleCallback = (work, options) => idle((deadline) => {
    const begun = performance.now();
    work(deadline);
    took.push(performance.now() - begun);
  }, options);
}"""
SIZE = "left.filter(({ kind }) => kind == 'snapshot').reduce((sum, { body }) => sum + body.length, 0) * 0.75 / 1000"
QUIET = "<p id=clock>0</p><script>setInterval(() => (clock.textContent = Date.now()), 1000)</script>"
STYLE = "<style>.card { color: teal }</style>"


def page_of(nodes: int) -> str:
    """A shop's list with about so many nodes, of which half are texts."""
    card = '<li class="card"><h2>Teapot {n}</h2><p>In <b>tenmoku</b> glaze</p><a href="/t?{n}">More</a></li>'
    cards = "".join(card.format(n=n) for n in range(nodes // 11))
    return f"<!doctype html><meta charset=utf-8><title>Shop</title>{STYLE}<ul>{cards}</ul>{QUIET}"


def busy(session: CDPSession, page: Page, seconds: float) -> float:
    """The share of the main thread's time that tasks took."""

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before, begun = spent(), time.monotonic()
    page.wait_for_timeout(seconds * 1000)
    return (spent() - before) / (time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description="What sharing costs the customer's page.")
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--rest", type=float, default=10)
    arguments = parser.parse_args()
    manifest = json.loads((CHECKOUT / "static/manifest.json").read_text())
    with contextlib.ExitStack() as stack:
        path = shutil.which("chromium")
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=path, args=CHROMIUM)
        stack.callback(browser.close)
        for nodes in (2_000, 12_000):
            site = Pages()
            stack.callback(site.close)
            site.html = page_of(nodes)
            page = browser.new_context().new_page()
            page.goto(site.url)
            session = page.context.new_cdp_session(page)
            session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
            session.send("Performance.enable")
            alone = busy(session, page, arguments.rest)
            page.evaluate(HOST)
            page.evaluate(TIMED)
            for part in ("companion", "cobrowse", "pictures"):
                page.evaluate((CHECKOUT / "static" / manifest[part]["file"]).read_text())
            start(page, ALL)
            until(page, "left.length > 0")
            sizes = []
            for n in range(arguments.times + WARM):
                page.evaluate("took.length = left.length = 0")
                page.evaluate("sharing.resync()")
                until(page, "left.some(({ kind }) => kind == 'snapshot')")
                if n >= WARM:
                    sizes.append((max(page.evaluate("took")), page.evaluate(SIZE)))
            took = sorted(ms for ms, _ in sizes)
            counted = page.evaluate("document.querySelectorAll('*').length")
            print(
                f"snapshot of {nodes} nodes ({counted} elements), warm: best {took[0]:.0f} ms, "
                f"p50 {took[len(took) // 2]:.0f} ms, p95 {took[int(len(took) * 0.95)]:.0f} ms; {sizes[0][1]:.0f} kB",
                flush=True,
            )
            page.wait_for_timeout(2000)
            shared = busy(session, page, arguments.rest)
            print(f"main thread at rest, {nodes} nodes: {alone:.1%} alone, {shared:.1%} shared", flush=True)
            page.context.close()


if __name__ == "__main__":
    main()
