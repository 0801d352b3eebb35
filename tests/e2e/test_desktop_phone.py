"""The agent's telephone in the desktop: answered, held, keyed and hung up; over reloads, networks and windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import People
from tests.e2e.office import Office, accessible, keys_shown, wider_than_window
from tests.e2e.people import Agent
from tests.e2e.test_desktop_channels import CALL
from tests.e2e.voices import EARS, Speak, exchange, launch, speaking, telephone, until_hears
from tests.hub import DemoHub
from tests.integration.media.browser import FLAGS

__all__ = ["speaking"]  # a fixture

SIZES = {"desk": (1440, 900), "tablet": (820, 1100), "phone": (390, 844)}


def talks(page: Page) -> None:
    """The call is connected, with its sound in this window."""
    page.locator(".call.active").wait_for()


def looks_right(agent: Agent, name: str) -> None:
    agent.page.wait_for_timeout(300)  # what fades in has its final colours
    agent.picture(name)
    assert accessible(agent.page) == []
    assert wider_than_window(agent.page) == 0
    assert re.findall(r"\bphone\.[a-z_.]+", agent.page.locator("body").inner_text()) == []
    assert keys_shown(agent.page) == []


def answered(agent: Agent) -> None:
    agent.set_status("available")
    agent.offer.get_by_role("button", name=agent.words["accept"]).click()
    talks(agent.page)


def test_a_call_from_answer_to_wrap_up(speaking: Speak, own_hub: DemoHub, tmp_path: Path) -> None:
    agent = speaking(440).agent("agent1")
    page = agent.page
    agent.set_status("available")
    with telephone(own_hub, tmp_path):
        offer = page.get_by_role("alertdialog", name="Incoming call from")
        expect(offer.get_by_text("Called")).to_be_visible()
        looks_right(agent, "offer")
        offer.get_by_role("button", name="Accept").click()
        talks(page)
        expect(page.get_by_role("timer")).to_have_accessible_name(re.compile("Call time"))
        looks_right(agent, "active")

        page.get_by_role("button", name="Hold").click()
        page.locator(".call.held").wait_for()
        looks_right(agent, "held")
        page.keyboard.press("Alt+h")
        talks(page)

        mute = page.get_by_role("button", name="Mute")
        page.keyboard.press("Alt+m")
        expect(mute).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_text("Muted")).to_be_visible()
        mute.click()
        expect(mute).to_have_attribute("aria-pressed", "false")

        page.get_by_role("button", name="Keypad").click()
        page.keyboard.press("4")
        page.keyboard.press("2")
        page.get_by_role("button", name="Hash").click()
        expect(page.get_by_label("Keys sent")).to_have_text("42#")
        looks_right(agent, "keypad")
        page.keyboard.press("Escape")

        page.get_by_role("button", name="Pause recording").click()
        toolbar = page.get_by_role("toolbar", name="Call")
        expect(toolbar.get_by_text("Recording paused")).to_be_visible()
        looks_right(agent, "recording-paused")
        page.get_by_role("button", name="Resume recording").click()
        expect(page.get_by_role("button", name="Pause recording")).to_be_visible()

        quality = page.get_by_role("button", name="Line: ")
        quality.click()
        expect(page.get_by_text("Round trip")).to_be_visible()
        quality.click()

        page.get_by_role("button", name="Hang up").click()
        page.get_by_role("region", name="Wrap-up").wait_for()
        expect(toolbar).to_have_count(0)
    assert agent.troubles == []


def test_a_reload_and_another_network_cost_no_call(speaking: Speak, own_hub: DemoHub, tmp_path: Path) -> None:
    agent = speaking(440).agent("agent1")
    page = agent.page
    with telephone(own_hub, tmp_path):
        answered(agent)
        page.reload()
        talks(page)
        # Another network, at first without a way to the hub: the browser says so, and the line is made anew.
        agent.context.set_offline(True)
        page.evaluate("dispatchEvent(new Event('online'))")
        page.locator(".call.reconnecting").wait_for()
        looks_right(agent, "reconnecting")
        agent.context.set_offline(False)
        talks(page)
        page.get_by_role("button", name="Hang up").click()
        page.get_by_role("region", name="Wrap-up").wait_for()


def test_one_window_has_the_sound(speaking: Speak, own_hub: DemoHub, tmp_path: Path) -> None:
    agent = speaking(440).agent("agent1")
    first = agent.page
    with telephone(own_hub, tmp_path):
        answered(agent)
        second = agent.context.new_page()
        second.goto(first.url)
        second.locator(".call.elsewhere").wait_for()
        expect(second.get_by_role("button", name="Mute")).to_have_count(0)
        second.get_by_role("button", name="Take it here").click()
        talks(second)
        first.locator(".call.elsewhere").wait_for()
        looks_right(agent, "elsewhere")
        second.close()
        # Nobody has it now; this window offers to take it up again.
        first.get_by_role("button", name="Take").click()
        talks(first)


def test_a_call_that_is_accepted_for_the_agent_has_its_sound_in_one_window(
    speaking: Speak, chromium: Browser, own_hub: DemoHub, artefacts: Path, tmp_path: Path
) -> None:
    agent = speaking(440).agent("agent1")
    id = agent.page.evaluate("JSON.parse(document.getElementById('boot').textContent).me.id")
    office = Office(chromium, own_hub, artefacts)
    admin = office.enter("admin", "/admin").page
    user = admin.evaluate("id => fetch('/api/v1/users/' + id).then((answer) => answer.json())", id)
    change = {name: user[name] for name in ("version", "username", "name", "role")} | {"auto_accept": ["voice"]}
    admin.evaluate(CALL, ["PUT", f"users/{id}", change])
    office.leave()
    second = agent.context.new_page()
    second.goto(agent.page.url)
    second.get_by_role("combobox", name="Status").wait_for()
    agent.set_status("available")
    with telephone(own_hub, tmp_path):
        while agent.page.locator(".row").count() == 0:
            agent.page.wait_for_timeout(50)
        for page in (agent.page, second):
            page.locator(".row").first.click()
            page.locator(".call.active, .call.elsewhere").wait_for()
        states = {page.locator(".call").get_attribute("class") for page in (agent.page, second)}
        assert states == {"call active", "call elsewhere"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_size_and_both_schemes(speaking: Speak, own_hub: DemoHub, tmp_path: Path, scheme: str) -> None:
    agent = speaking(440).agent("agent1", color_scheme=scheme)
    with telephone(own_hub, tmp_path):
        answered(agent)
        agent.page.get_by_role("button", name="Line: ").wait_for()
        for size, (width, height) in SIZES.items():
            agent.page.set_viewport_size({"width": width, "height": height})
            looks_right(agent, f"active-{size}")
            for button, name in (("Keypad", "keypad"), ("Sound devices", "devices")):
                agent.page.get_by_role("button", name=button).click()
                looks_right(agent, f"{name}-{size}")
                agent.page.keyboard.press("Escape")


def test_in_chinese(speaking: Speak, own_hub: DemoHub, tmp_path: Path) -> None:
    agent = speaking(440).agent("agent1", locale="zh-CN")
    with telephone(own_hub, tmp_path):
        answered(agent)
        agent.page.get_by_role("button", name="保持").click()
        agent.page.get_by_role("button", name="恢复").wait_for()
        looks_right(agent, "held")
        agent.page.get_by_role("button", name="声音设备").click()
        looks_right(agent, "devices")


def test_a_test_call_to_oneself(speaking: Speak) -> None:
    agent = speaking(440).agent("agent1")
    page = agent.page
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Set up").click()
    dialog = page.get_by_role("dialog", name="Sound devices")
    level = dialog.get_by_role("meter", name="Microphone level")
    while int(level.get_attribute("aria-valuenow") or 0) < 3:
        page.wait_for_timeout(50)
    dialog.get_by_role("button", name="Start the test").click()
    expect(dialog.get_by_text("you should hear yourself")).to_be_visible()
    looks_right(agent, "test-call")
    dialog.get_by_role("button", name="Stop the test").click()
    expect(dialog.get_by_role("button", name="Start the test")).to_be_visible()
    assert agent.troubles == []


def test_a_number_is_looked_at_while_it_is_typed(speaking: Speak) -> None:
    agent = speaking(440).agent("agent1")
    page = agent.page
    page.get_by_role("button", name="Call a number").click()
    dialog = page.get_by_role("dialog", name="Call a number")
    number = dialog.get_by_role("textbox", name="Number")
    call = dialog.get_by_role("button", name="Call", exact=True)
    number.fill("+49 30 abc")
    expect(dialog.get_by_text("digits only")).to_be_visible()
    expect(call).to_be_disabled()
    number.fill("")
    for key in "123":
        dialog.get_by_role("button", name=key, exact=True).click()
    expect(number).to_have_value("123")
    number.fill("+1 900 555 0100")
    dialog.get_by_role("combobox", name="Queue").click()
    page.get_by_role("option", name="Support").click()
    looks_right(agent, "dial")
    call.click()  # a number that costs: the hub says no, and why
    expect(dialog.locator(".error-text")).to_be_visible()
    looks_right(agent, "dial-refused")


def test_an_agent_calls_a_number(
    speaking: Speak, chromium: Browser, own_hub: DemoHub, artefacts: Path, tmp_path: Path
) -> None:
    agent = speaking(440).agent("agent1", script=EARS)
    page = agent.page
    with exchange(tmp_path) as port:
        office = Office(chromium, own_hub, artefacts)
        trunk = {"id": "line", "name": "Line", "networks": ["127.0.0.1/32"], "host": "127.0.0.1", "port": port}
        admin = office.enter("admin", "/admin").page
        admin.evaluate(CALL, ["POST", "trunks", trunk])
        queue = admin.evaluate("fetch('/api/v1/queues/support').then((answer) => answer.json())")
        admin.evaluate(CALL, ["PUT", "queues/support", queue | {"recording": {"mode": "on_demand"}}])
        office.leave()
        page.keyboard.press("Alt+p")
        dialog = page.get_by_role("dialog", name="Call a number")
        dialog.get_by_role("combobox", name="Queue").click()
        page.get_by_role("option", name="Support").click()
        number = dialog.get_by_role("textbox", name="Number")
        number.fill("+1 900 555 0100")
        page.keyboard.press("Enter")
        expect(dialog.get_by_text("Premium")).to_be_visible()
        number.fill("+49 30 901820")
        page.keyboard.press("Enter")
        talks(page)
        until_hears(page, 440)  # the other side says what it hears
        expect(page.get_by_role("region", name="Customer").get_by_text("+4930901820").first).to_be_visible()
        looks_right(agent, "dialled")
        page.get_by_role("button", name="Start recording").click()
        page.get_by_role("button", name="Pause recording").wait_for()
        page.get_by_role("button", name="Hang up").click()
        page.get_by_role("region", name="Wrap-up").wait_for()


def test_no_microphone_says_what_to_do(chromium: Browser, own_hub: DemoHub, artefacts: Path, tmp_path: Path) -> None:
    flags = [flag for flag in FLAGS if "fake-ui" not in flag]
    for extra, words in (
        (["--deny-permission-prompts"], "does not let this page use the microphone"),
        (["--use-fake-ui-for-media-stream"], "No microphone was found"),
    ):
        used = [flag for flag in flags if "deny" in extra[0] or "fake-device" not in flag]
        browser = launch(chromium, *used, *extra)
        people = People(browser, own_hub, artefacts)
        agent = people.agent("agent1")
        agent.set_status("available")
        with telephone(own_hub, tmp_path):
            offer = agent.page.get_by_role("alertdialog", name="Incoming call from")
            offer.get_by_role("button", name="Accept").click()
            dialog = agent.page.get_by_role("dialog", name="No microphone")
            expect(dialog.get_by_text(words)).to_be_visible()
            looks_right(agent, "no-microphone")
            dialog.get_by_role("button", name="Close").last.click()
            expect(offer).to_be_visible()  # nobody was connected to silence
        agent.set_status("away")
        people.leave()
        browser.close()
