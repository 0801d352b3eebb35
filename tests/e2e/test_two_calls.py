"""Two calls in the desktop: which one is live, which one has music, and the way from one to the other."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.callers import callers_of
from tests.e2e.test_desktop_phone import SIZES, looks_right
from tests.e2e.voices import Speak, speaking
from tests.hub import DemoHub

__all__ = ["speaking"]  # a fixture
AGENT, FIRST, SECOND = 440.0, 600.0, 850.0


def test_two_calls_and_the_way_between_them(speaking: Speak, own_hub: DemoHub) -> None:
    agent = speaking(AGENT).agent("agent1")
    page = agent.page
    agent.set_status("available")
    with callers_of(own_hub) as callers:
        vera, wim = callers.caller(FIRST), callers.caller(SECOND)
        for caller, name in ((vera, "Vera"), (wim, "Wim")):
            caller.chat(name)
            agent.accept(name)
        mine = page.get_by_role("list", name="My contacts")
        mine.get_by_role("link", name="Vera").click()
        vera.call()
        page.get_by_role("button", name="Answer").click()
        vera.until_hears(AGENT)

        wim.call()
        # Told beside the call that goes on, without disturbing it.
        others = page.get_by_role("list", name="Other calls")
        expect(others.get_by_text("Calls you")).to_be_visible()
        others.get_by_role("button", name="Switch to Wim").click()
        wim.until_hears(AGENT)
        vera.until_held()
        page.locator(".call.active").wait_for()
        expect(others.get_by_text("On hold for")).to_be_visible()
        held = mine.get_by_role("link", name="Vera")
        expect(held.get_by_text("On hold", exact=True)).to_be_visible()
        assert vera.hears(AGENT) < 0.2
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            looks_right(agent, f"two-calls-{size}")
        page.set_viewport_size({"width": 1440, "height": 900})

        others.get_by_role("button", name="Switch to Vera").click()
        vera.until_hears(AGENT)
        wim.until_held()
        # The shortcut is for the call that is open: it is held, and the other one is not taken up for that.
        page.locator(".call.active").wait_for()
        page.keyboard.press("Alt+h")
        page.locator(".call.held").wait_for()
        expect(others.get_by_text("On hold for")).to_be_visible()
        held.click()
        page.get_by_role("button", name="Resume").click()
        vera.until_hears(AGENT)
        for caller in (vera, wim):
            caller.hang_up()
        page.get_by_role("region", name="Wrap-up").wait_for()
    assert agent.troubles == []
