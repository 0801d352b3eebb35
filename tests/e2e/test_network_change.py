"""An agent's network loses packets and then changes: his call is held for a moment, and goes on with both voices."""

from __future__ import annotations

import base64
import time
from contextlib import closing

import pytest
from playwright.sync_api import Page

from tests.clients import Json
from tests.e2e.callers import Caller, callers_of
from tests.e2e.paths import Path
from tests.e2e.people import Agent
from tests.e2e.voices import EARS, Speak, speaking, until_hears
from tests.hub import DemoHub
from tests.integration.media.exchange import channels, holds

__all__ = ["speaking"]  # a fixture
AGENT, CUSTOMER = 440.0, 1000.0
LOSS, OUTAGE_MS = 0.03, 3_000


def until_heard_by(caller: Caller, page: Page, hertz: float) -> None:
    """Leaves the page its turns meanwhile."""
    while caller.hears(hertz) < 0.6:
        page.wait_for_timeout(50)


def fetched(page: Page, path: str) -> Json:
    found: Json = page.evaluate("path => fetch(`/api/v1/${path}`).then((answer) => answer.json())", path)
    return found


def sound(page: Page, recording: str) -> bytes:
    text = page.evaluate(
        """async (id) => {
          const bytes = new Uint8Array(await (await fetch(`/api/v1/recordings/${id}/audio`)).arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }""",
        recording,
    )
    return base64.b64decode(text)


def answered(agent: Agent) -> None:
    agent.set_status("available")
    agent.offer.get_by_role("button", name="Accept").click()
    agent.page.locator(".call.active").wait_for()


@pytest.mark.parametrize("change", ["nothing comes through for three seconds", "another address"])
def test_a_change_of_network_under_loss(speaking: Speak, own_hub: DemoHub, change: str) -> None:
    with callers_of(own_hub) as callers, closing(Path(callers, LOSS)) as path:
        caller = callers.caller(CUSTOMER)
        agent = speaking(AGENT).agent("agent1", script=EARS)
        page = agent.page
        path.lay(agent.context)
        page.reload()
        agent.status.wait_for()
        caller.call()
        answered(agent)
        until_heard_by(caller, page, AGENT)
        until_hears(page, CUSTOMER)
        before = path.passed
        page.wait_for_timeout(2_000)
        assert path.passed - before > 150, "the audio goes through the relay"
        legs = page.evaluate("legs")

        changed_at = time.time() * 1000
        if change == "another address":
            path.move()
        else:
            path.cut(True)
            page.locator(".call.reconnecting").wait_for()
        # Where the new leg works at once, nobody may have time to see that there was none.
        while page.evaluate("legs") == legs:
            page.wait_for_timeout(50)
        while time.time() * 1000 < changed_at + OUTAGE_MS:
            page.wait_for_timeout(50)
        path.cut(False)
        page.locator(".call.active").wait_for()
        until_heard_by(caller, page, AGENT)
        until_hears(page, CUSTOMER)
        caller.until_held()  # as he was told meanwhile
        page.wait_for_timeout(2_000)
        assert path.lost > 0

        page.get_by_role("button", name="Hang up").click()
        page.get_by_role("region", name="Wrap-up").wait_for()
        events = fetched(page, f"contacts/{caller.contact}/events")["items"]
        # Had he not been back within the call's ten seconds, it would have gone back to its queue.
        assert "contact.requeued" not in [event["type"] for event in events]
        (back,) = [event for event in events if event["type"] == "call.answered" and event["at"] > changed_at]
        assert back["data"]["party"] == "agent"
        print(f"back after {back['at'] - changed_at:.0f} ms; {path.lost} packets lost, {path.passed} passed")

        # One recording, which went on: his voice is in it before and after.
        while (recordings := fetched(page, f"recordings?contact={caller.contact}")["items"])[0]["state"] != "complete":
            page.wait_for_timeout(100)
        (made,) = recordings
        customer, ours = channels(sound(page, made["id"]))
        for voice, hertz in ((customer, CUSTOMER), (ours, AGENT)):
            assert holds(voice[4_000:12_000], hertz) > 0.6
            assert holds(voice[-10_000:-2_000], hertz) > 0.6
        gap = int((changed_at + back["at"]) / 2 - made["started_at"]) * 8
        assert holds(ours[gap - 2_000 : gap + 2_000], AGENT) < 0.3, "while he was away he was silent"
        assert agent.troubles == []
