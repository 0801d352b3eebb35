"""Calls from the web page: asked for with a reason, heard at both ends, over page loads, and beside a chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, FrameLocator, Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import PHONE, Agent, Visitor
from tests.e2e.voices import EARS, Speak, hears, launch, speaking, until_hears, until_silent
from tests.hub import DemoHub
from tests.integration.media.browser import FLAGS
from tests.peers import CHECKOUT

__all__ = ["speaking"]  # a fixture

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
AGENT_HZ, VISITOR_HZ = 440, 1000


def panel(visitor: Visitor) -> Frame:
    return next(frame for frame in visitor.page.frames if "/widget/panel" in frame.url)


def check(visitor: Visitor, what: str) -> None:
    """A picture, and no finding of axe in the panel."""
    visitor.page.wait_for_timeout(300)
    visitor.picture(what)
    frame = panel(visitor)
    frame.evaluate(AXE.read_text())
    found = frame.evaluate("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))")
    assert found == [], json.dumps(found, indent=1)


def wider(visitor: Visitor) -> int:
    """By how much the panel's content is wider than the panel, or a name wider than its button."""
    return int(
        panel(visitor).evaluate(
            """() => Math.max(
              ...[document.documentElement, ...document.querySelectorAll(".callc, .ctl button, .keys")]
                .map((box) => box.scrollWidth - box.clientWidth))"""
        )
    )


def ask_for_a_call(visitor: Visitor, name: str, topic: str = "Support") -> FrameLocator:
    widget = visitor.widget
    widget.get_by_role("button", name="Call", exact=True).click()
    widget.get_by_role("textbox", name="Name").fill(name)
    widget.get_by_role("combobox", name="Topic").select_option(label=topic)
    return widget


def calls(visitor: Visitor, name: str) -> None:
    visitor.visit()
    visitor.open_widget()
    ask_for_a_call(visitor, name).get_by_role("button", name="Start call").click()
    visitor.widget.get_by_role("button", name="Hang up").wait_for()


def talks(page: Page) -> None:
    page.locator(".call.active").wait_for()


def answers(agent: Agent, name: str) -> None:
    agent.set_status("available")
    offer = agent.page.get_by_role("alertdialog", name=f"Incoming call from {name}")
    offer.get_by_role("button", name="Accept").click()
    talks(agent.page)


def test_both_hear_each_other_and_hold_is_music(speaking: Speak) -> None:
    agent = speaking(AGENT_HZ).agent("agent1", script=EARS)
    visitor = speaking(VISITOR_HZ).visitor(script=EARS)
    visitor.visit()
    visitor.open_widget()
    check(visitor, "home")
    widget = ask_for_a_call(visitor, "Clara Berg")
    check(visitor, "explanation")
    widget.get_by_role("button", name="Start call").click()
    expect(widget.get_by_text("You are next")).to_be_visible()
    check(visitor, "waiting")

    answers(agent, "Clara Berg")
    expect(widget.get_by_role("timer")).to_be_visible()
    expect(widget.get_by_text("Recorded")).to_be_visible()  # as the demo's queues are, and openly
    until_hears(agent.page, VISITOR_HZ)
    until_hears(panel(visitor), AGENT_HZ)
    assert hears(agent.page, AGENT_HZ) < 0.1, "nobody hears himself"
    # Where he is on the site: the screen pop.
    expect(agent.page.get_by_role("region", name="Customer").get_by_text("/demo/")).to_be_visible()
    check(visitor, "call")

    widget.get_by_role("button", name="Mute").click()
    check(visitor, "muted")
    until_silent(agent.page, VISITOR_HZ)
    widget.get_by_role("button", name="Mute").click()
    until_hears(agent.page, VISITOR_HZ)

    agent.page.get_by_role("button", name="Hold").click()
    expect(widget.get_by_text("on hold")).to_be_visible()
    until_silent(panel(visitor), AGENT_HZ)
    until_silent(agent.page, VISITOR_HZ)
    check(visitor, "held")
    agent.page.get_by_role("button", name="Resume").click()
    until_hears(panel(visitor), AGENT_HZ)

    widget.get_by_role("button", name="Sound").click()
    widget.get_by_role("combobox", name="Microphone").wait_for()
    check(visitor, "sound")
    visitor.page.keyboard.press("Escape")

    widget.get_by_role("button", name="Keypad").click()
    keypad = widget.get_by_role("dialog", name="Keypad")
    keypad.get_by_role("button", name="4", exact=True).click()
    visitor.page.keyboard.press("2")
    keypad.get_by_role("button", name="Hash").click()
    expect(keypad.get_by_label("Keys sent")).to_have_text("42#")
    check(visitor, "keypad")
    visitor.page.wait_for_timeout(700)  # the last key is still on its way
    visitor.page.keyboard.press("Escape")

    widget.get_by_role("button", name="Hang up").click()
    expect(widget.get_by_text("Call ended")).to_be_visible()
    check(visitor, "ended")
    agent.page.get_by_role("region", name="Wrap-up").wait_for()
    # Both are told in the conversation how long it was, and the hub has heard the keys.
    expect(agent.log.get_by_text("The call ended after")).to_be_visible()
    assert pressed(agent.page) == 3
    assert agent.troubles == visitor.troubles == []


def test_the_call_goes_on_over_pages_and_beside_writing(speaking: Speak) -> None:
    agent = speaking(AGENT_HZ).agent("agent1", script=EARS)
    visitor = speaking(VISITOR_HZ).visitor(script=EARS)
    calls(visitor, "Omar Said")
    answers(agent, "Omar Said")
    visitor.widget.get_by_role("timer").wait_for()
    visitor.visit("/demo/catalogue")
    visitor.widget.get_by_role("timer").wait_for()
    until_hears(agent.page, VISITOR_HZ)
    until_hears(panel(visitor), AGENT_HZ)

    visitor.widget.get_by_role("button", name="Write as well").click()
    visitor.say("My order is 4711.")
    agent.sees("My order is 4711.")
    agent.say("Thank you, I have it.")
    visitor.sees("Thank you, I have it.")
    check(visitor, "writing")
    visitor.widget.get_by_role("button", name="Show").click()
    until_hears(agent.page, VISITOR_HZ)
    agent.page.get_by_role("button", name="Hang up").click()
    expect(visitor.widget.get_by_text("Call ended")).to_be_visible()


def test_a_line_that_dies_is_replaced(speaking: Speak) -> None:
    agent = speaking(AGENT_HZ).agent("agent1", script=EARS)
    visitor = speaking(VISITOR_HZ).visitor(script=EARS)
    calls(visitor, "Ines Faro")
    answers(agent, "Ines Faro")
    until_hears(agent.page, VISITOR_HZ)
    for side in (agent.page, panel(visitor)):
        before = side.evaluate("peers.length")
        side.evaluate("peers.at(-1).close()")
        while side.evaluate("peers.length") == before:
            agent.page.wait_for_timeout(50)
        until_hears(agent.page, VISITOR_HZ)
        until_hears(panel(visitor), AGENT_HZ)
    visitor.widget.get_by_role("button", name="Hang up").click()
    agent.page.get_by_role("region", name="Wrap-up").wait_for()


def test_a_chat_goes_on_by_voice_with_its_agent(speaking: Speak) -> None:
    agent = speaking(AGENT_HZ).agent("agent1", script=EARS)
    visitor = speaking(VISITOR_HZ).visitor(script=EARS)
    agent.set_status("available")
    visitor.visit()
    visitor.start_chat("Uma Thorn", "Support", "Is the pot for gas stoves?")
    agent.accept("Uma Thorn")
    agent.say("Shall we talk?")
    visitor.sees("Shall we talk?")
    visitor.widget.get_by_role("button", name="Call", exact=True).click()
    visitor.widget.get_by_role("dialog", name="Talk with Nadia?").wait_for()
    check(visitor, "by-voice")
    visitor.widget.get_by_role("button", name="Start call").click()
    # His microphone is his own affair: he answers by a press.
    agent.page.get_by_role("button", name="Answer").click()
    talks(agent.page)
    until_hears(agent.page, VISITOR_HZ)
    until_hears(panel(visitor), AGENT_HZ)
    agent.sees("Is the pot for gas stoves?")
    visitor.widget.get_by_role("button", name="Hang up").click()
    agent.page.get_by_role("region", name="Wrap-up").wait_for()


def pressed(page: Page) -> int:
    """The keys that the hub heard in the call that is open."""
    return int(
        page.evaluate(
            """async () => {
              const contact = location.hash.split("/").at(-1);
              const events = async () => (await (await fetch(`/api/v1/contacts/${contact}/events`)).json()).items;
              for (;;) {
                const ended = (await events()).find(({ type }) => type === "call.ended");
                if (ended) return ended.data.digits;
                await new Promise((done) => setTimeout(done, 50));
              }
            }"""
        )
    )


NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 568}}
LOOKS: dict[str, dict[str, Any]] = {
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "Chinese": {},
    "Arabic": {},
    "narrow": NARROW,
    "narrow dark Arabic": NARROW | {"color_scheme": "dark"},
}
TONGUES = {"Chinese": ("简体中文", "通话"), "Arabic": ("العربية", "مكالمة")}


@pytest.mark.parametrize("look", LOOKS)
def test_a_call_looks_right(speaking: Speak, look: str) -> None:
    visitor = speaking(VISITOR_HZ).visitor(**LOOKS[look])
    visitor.visit()
    visitor.open_widget()
    frame = visitor.widget
    for tongue, (name, call) in TONGUES.items():
        if tongue in look:
            frame.get_by_role("button", name="English").click()
            frame.get_by_role("button", name=name).click()
            frame.get_by_role("button", name=call, exact=True).wait_for()
    frame.locator(".way").nth(1).locator("button").click()
    frame.locator("#f-topic").select_option(index=1)
    check(visitor, "explanation")
    frame.locator(".w-foot .btn").click()
    frame.locator(".ctl").wait_for()
    frame.locator(".q.good").wait_for()
    check(visitor, "waiting")
    assert wider(visitor) == 0
    # His own level is seen without scrolling.
    assert panel(visitor).evaluate("(box => box.scrollHeight <= box.clientHeight)(document.querySelector('.callc'))")
    frame.locator(".ctl button").nth(1).click()
    for key in (3, 10, 11):
        frame.locator(".keys button").nth(key).click()
    check(visitor, "keypad")
    assert wider(visitor) == 0
    visitor.page.keyboard.press("Escape")
    frame.locator(".ctl button").last.click()
    frame.locator(".ctl").wait_for(state="detached")
    assert visitor.troubles == []


def test_a_refused_microphone_says_what_to_do(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> None:
    browser = launch(chromium, *[flag for flag in FLAGS if "fake-ui" not in flag], "--deny-permission-prompts")
    people = People(browser, own_hub, artefacts)
    visitor = people.visitor()
    visitor.visit()
    visitor.page.evaluate("ContactHub('call')")  # as the host page's own button does it
    visitor.widget.get_by_role("textbox", name="Name").fill("Clara Berg")
    visitor.widget.get_by_role("combobox", name="Topic").select_option(label="Support")
    visitor.widget.get_by_role("button", name="Start call").click()
    expect(visitor.widget.get_by_text("The microphone is blocked.")).to_be_visible()
    check(visitor, "refused")
    # The form is as it was, so that one can try again.
    expect(visitor.widget.get_by_role("textbox", name="Name")).to_have_value("Clara Berg")
    # Or one is called at a telephone, with what was told already.
    visitor.widget.get_by_role("button", name="Call me back").click()
    expect(visitor.widget.get_by_role("radio", name="As soon as possible")).to_be_checked()
    expect(visitor.widget.get_by_role("textbox", name="Name")).to_have_value("Clara Berg")
    expect(visitor.widget.get_by_role("combobox", name="Topic")).to_have_value("support")
    people.leave()
    browser.close()
