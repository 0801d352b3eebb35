"""A callback is answered in the browser: the page rings and both hear each other; or "Not now", in several looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from tests.e2e.people import PHONE, Agent, Visitor
from tests.e2e.test_callbacks_desk import finish
from tests.e2e.test_widget_call import AGENT_HZ, NARROW, TONGUES, VISITOR_HZ, check, panel, wider
from tests.e2e.voices import EARS, Speak, speaking, until_hears
from tests.hub import DemoHub
from tests.peers import require

__all__ = ["speaking"]  # a fixture


@pytest.fixture(scope="module")
def own_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    """One hub for all of it, whose pages ring for as long as a slow machine needs."""
    require("node")
    settings = "[callbacks]\nenabled = true\npage_seconds = 600\nper_address = 1000\n"
    hub = DemoHub(tmp_path_factory.mktemp("rings"), settings).start()
    yield hub
    assert hub.stop() == 0, hub.log.read_text()


def ask_to_be_rung_here(visitor: Visitor, name: str) -> FrameLocator:
    visitor.visit()
    visitor.open_widget()
    widget = visitor.widget
    widget.get_by_role("button", name="Call me back").click()
    widget.get_by_role("radio", name="Here on this page").check()
    widget.get_by_role("textbox", name="Name").fill(name)
    widget.get_by_role("combobox", name="Topic").select_option(label="Support")
    return widget


def calls(agent: Agent, name: str) -> Locator:
    """The agent accepts the callback and has read enough."""
    agent.set_status("available")
    agent.page.get_by_role("alertdialog", name=f"Callback for {name}").get_by_role("button", name="Accept").click()
    card = agent.page.get_by_role("region", name=f"Callback for {name}")
    card.get_by_role("button", name="Call now").click()
    return card


def test_the_page_rings_and_both_hear_each_other(speaking: Speak) -> None:
    agent = speaking(AGENT_HZ).agent("agent1", script=EARS)
    visitor = speaking(VISITOR_HZ).visitor(script=EARS)
    widget = ask_to_be_rung_here(visitor, "Clara Berg")
    check(visitor, "form")
    widget.get_by_role("button", name="Request callback").click()
    expect(widget.get_by_text("Keep this page open: it rings here.")).to_be_visible()
    check(visitor, "waiting")
    # It may be put away, and he may go on to another page: it still finds him.
    visitor.visit("/demo/catalogue")

    card = calls(agent, "Clara Berg")
    expect(card.get_by_text("On their page in the browser")).to_be_visible()
    ring = widget.get_by_role("dialog", name="Nadia is ringing you")
    expect(ring.get_by_role("timer")).to_have_text(re.compile(r"It rings for \d+ more second"))
    # What is typed just then answers nothing.
    expect(ring.get_by_role("heading", name="Nadia is ringing you")).to_be_focused()
    check(visitor, "rings")
    agent.picture("rings")

    # Put away, it still can be answered, by keys alone.
    visitor.page.keyboard.press("Escape")
    expect(ring).to_have_count(0)
    answer = widget.get_by_role("button", name="Answer")
    if not answer.is_visible():
        widget.get_by_role("button", name="Your callback").click()
    answer.click()
    ring.get_by_role("button", name="Answer").focus()
    visitor.page.keyboard.press("Enter")
    expect(widget.get_by_role("timer")).to_be_visible()
    until_hears(agent.page, VISITOR_HZ)
    until_hears(panel(visitor), AGENT_HZ)
    check(visitor, "call")

    # The same call goes on over the next page.
    visitor.visit("/demo/")
    widget.get_by_role("timer").wait_for()
    until_hears(agent.page, VISITOR_HZ)
    until_hears(panel(visitor), AGENT_HZ)
    widget.get_by_role("button", name="Hang up").click()
    expect(widget.get_by_text("We have talked")).to_be_visible()
    check(visitor, "talked")
    agent.page.get_by_role("region", name="Wrap-up").wait_for()
    expect(card.get_by_role("status")).to_have_text("The customer was reached")
    finish(agent.page)
    assert agent.troubles == visitor.troubles == []


SHOWN: dict[str, dict[str, Any]] = {
    "phone dark": PHONE | {"color_scheme": "dark"},
    "Chinese": {},
    "narrow Arabic": NARROW,
}


def test_not_now_in_every_look(speaking: Speak) -> None:
    people = speaking(VISITOR_HZ)
    agent = people.agent("agent1")
    for look, context in SHOWN.items():
        visitor = people.visitor(**context)
        visitor.visit()
        visitor.open_widget()
        frame = visitor.widget
        for tongue, (name, call) in TONGUES.items():
            if tongue in look:
                frame.get_by_role("button", name="English").click()
                frame.get_by_role("button", name=name).click()
                frame.get_by_role("button", name=call, exact=True).wait_for()
        frame.locator(".way").nth(2).locator("button").click()
        frame.locator("input[name=where]").nth(1).check()
        check(visitor, f"{look}-form")
        frame.locator("#f-name").fill("Omar Said")
        frame.locator("#f-topic").select_option("support")
        frame.locator(".w-foot .btn").click()
        frame.locator("dl.facts").wait_for()
        calls(agent, "Omar Said")
        ring = frame.locator("dialog.sheet")
        ring.get_by_role("timer").wait_for()
        check(visitor, f"{look}-rings")
        assert wider(visitor) == 0
        ring.locator(".btn").first.click()
        expect(ring).to_have_count(0)
        # Neither here nor anywhere else now; later it is tried again.
        status = agent.page.get_by_role("region", name="Callback for Omar Said").get_by_role("status")
        expect(status).to_have_text(re.compile("Rejected.* Next attempt: "))
        check(visitor, f"{look}-later")
        finish(agent.page)
        frame.locator(".w-foot .btn").first.click()
        frame.locator("dialog.sheet .btn").last.click()
        expect(frame.locator("dialog.sheet")).to_have_count(0)
        assert visitor.troubles == []
        visitor.page.close()
