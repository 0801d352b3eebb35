"""What the widget costs the visitor's main thread, on a processor four times slower than this one.

    python -m bench.widget_open                 ten fresh browsers, about a minute
    python -m bench.widget_open --runs 3 --rate 6

Each run opens a page of the demo shop in a new browser, waits until it is quiet, and measures three spans with the CPU
throttled: the loader (from the page with the widget to the same page without it, both loaded anew), the first open
(three seconds from the press on the launcher), and the same span with nothing pressed, which is taken off. A second
browser tells how much of the first open was spent until the panel stood there, painted and with the focus; what comes
after that are the last pictures of its movement.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.hub import DemoHub
from tests.peers import require

PATH = "/demo/studio.html"
PARTS = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
SPAN_S = 3.0
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass(frozen=True)
class Cost:
    """Milliseconds of main thread: all tasks, of them script, layout and style; `longest` task; `shown` is the time
    on the clock until the panel is there."""

    task: float
    script: float
    layout: float
    style: float
    longest: float = 0.0
    shown: float = 0.0
    until_shown: float = 0.0


class Meter:
    """Reads what the page's main thread has done so far (the panel's frame shares it: same site, same process).

    In the thread's own time, so that a busy machine does not blur it; the throttling spins on that thread and counts.
    """

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return {row["name"]: row["value"] * 1000 for row in metrics if row["name"] in PARTS}

    def cost(self) -> Cost:
        now = self._read()
        task, script, layout, style = (now[name] - self._before[name] for name in PARTS)
        return Cost(task, script, layout, style)


def first_open(browser: Browser, url: str, rate: int) -> tuple[Cost, Cost]:
    """(what opening costs, what the same span costs when nothing is pressed). Nothing is asked of the page meanwhile,
    as the asking would cost more than the widget."""
    page, session = quiet_page(browser, url, rate)
    launcher = page.get_by_role("button", name="Talk to an agent")
    launcher.hover()
    page.evaluate(
        """() => {
          window.longest = 0;
          new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
          }).observe({ type: "longtask" });
          const began = [];
          addEventListener("click", () => began.push(performance.now()));
          addEventListener("message", () => (window.shown ??= performance.now() - began[0]));
        }"""
    )
    time.sleep(SPAN_S)
    meter = Meter(session)
    page.mouse.down()
    page.mouse.up()
    time.sleep(SPAN_S)
    opened = meter.cost()
    meter = Meter(session)
    time.sleep(SPAN_S)
    idle = meter.cost()
    longest, shown = page.evaluate("[window.longest, window.shown]")
    page.frame_locator("iframe").get_by_role("button", name="Chat").wait_for()
    page.context.close()
    return replace(opened, longest=longest, shown=shown), idle


THERE = """() => {
  const look = () => {
    const frame = document.querySelector("contact-hub")?.shadowRoot.querySelector("iframe");
    const title = frame?.contentDocument?.querySelector("h2");
    if (title) requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("there")));
    else setTimeout(look, 4);
  };
  addEventListener("click", () => (performance.mark("pressed"), look()), { capture: true, once: true });
}"""


def until_there(browser: Browser, url: str, rate: int) -> float:
    """Milliseconds of main thread from the press until the second picture with the panel in it, by the browser's own
    trace of its tasks. Looking for it costs a little, which is counted."""
    page, _ = quiet_page(browser, url, rate)
    page.get_by_role("button", name="Talk to an agent").hover()
    page.evaluate(THERE)
    time.sleep(SPAN_S)
    trace = browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    ended: list[bool] = []
    trace.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    trace.on("Tracing.tracingComplete", lambda data: ended.append(True))
    trace.send("Tracing.start", {"categories": "-*,toplevel,blink.user_timing", "transferMode": "ReportEvents"})
    page.mouse.down()
    page.mouse.up()
    time.sleep(SPAN_S)
    trace.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    page.context.close()
    marks = {event["name"]: event for event in events if event["name"] in ("pressed", "there")}
    thread, begin, end = marks["there"]["tid"], marks["pressed"]["ts"], marks["there"]["ts"]
    tasks = [
        event
        for event in events
        if (event["name"], event["ph"], event["tid"]) == ("ThreadControllerImpl::RunTask", "X", thread)
        and begin - event["dur"] <= event["ts"] <= end
    ]
    return sum(float(event.get("tdur", event["dur"])) for event in tasks) / 1000


def page_load(browser: Browser, url: str, rate: int, *, widget: bool) -> float:
    """Milliseconds of main thread for a load of the page, with the widget's script or without it."""
    page, session = quiet_page(browser, "about:blank", rate)
    if not widget:
        page.route("**/widget.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    meter = Meter(session)
    page.goto(url, wait_until="load")
    time.sleep(SPAN_S)
    task = meter.cost().task
    page.context.close()
    return task


def quiet_page(browser: Browser, url: str, rate: int) -> tuple[Page, CDPSession]:
    page = browser.new_context(viewport={"width": 1280, "height": 820}).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})
    page.goto(url, wait_until="load")
    return page, session


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--rate", type=int, default=4, help="how many times slower the processor is made")
    given = options.parse_args()
    opened: list[Cost] = []
    idle: list[Cost] = []
    loads: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        hub = DemoHub(Path(folder)).start()
        try:
            for _ in range(given.runs):
                browser = playwright.chromium.launch(executable_path=require("chromium"), args=ARGUMENTS)
                both = first_open(browser, hub.url + PATH, given.rate)
                shown = until_there(browser, hub.url + PATH, given.rate)
                opened.append(replace(both[0], until_shown=shown))
                idle.append(both[1])
                for widget in loads:
                    loads[widget].append(page_load(browser, hub.url + PATH, given.rate, widget=widget))
                browser.close()
        finally:
            hub.stop()

    def median(costs: list[Cost], name: str) -> float:
        return float(statistics.median(getattr(cost, name) for cost in costs))

    net = [one.task - other.task for one, other in zip(opened, idle, strict=True)]
    print(f"first open, {given.rate} times slower, median of {given.runs} runs (ms of main thread)")
    print(f"  all tasks       {statistics.median(net):7.1f}   least {min(net):.1f}, most {max(net):.1f}")
    print(f"  until it is there {median(opened, 'until_shown'):5.1f}")
    for name in ("script", "layout", "style"):
        print(f"  {name:<15} {median(opened, name) - median(idle, name):7.1f}")
    print(f"  longest task    {median(opened, 'longest'):7.1f}")
    print(f"  there after     {median(opened, 'shown'):7.1f}   on the clock")
    with_widget, without = statistics.median(loads[True]), statistics.median(loads[False])
    print(f"page load: {with_widget:.0f} ms of main thread with the widget, {without:.0f} without it")


if __name__ == "__main__":
    main()
