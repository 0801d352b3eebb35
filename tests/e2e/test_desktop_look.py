"""The desk in every size, scheme and language: nothing out of place, nothing that assistive technology cannot use."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import Agent
from tests.peers import CHECKOUT

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desk": (1440, 900), "small": (1100, 760), "tablet": (820, 1100), "phone": (390, 844)}


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and its best practices, as lines that name the place."""
    page.evaluate(AXE.read_text())  # evaluated by the test, so the page's Content-Security-Policy stays as it is
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run(document)).violations")
    return [f"{rule['id']}: {node['target']} {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def settle(page: Page) -> None:
    """What fades in has its final colours."""
    page.wait_for_timeout(400)


def looks_right(agent: Agent, name: str) -> None:
    settle(agent.page)
    agent.picture(name)
    assert violations(agent.page) == []
    assert not overflows(agent.page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_at_every_size(people_of_own_hub: People, scheme: str) -> None:
    agent = people_of_own_hub.agent("agent1", color_scheme=scheme)
    page = agent.page
    looks_right(agent, "empty")
    agent.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Can I pour boiling water into the kyusu?")
    agent.offer.wait_for()
    looks_right(agent, "offer")
    agent.accept("Clara Berg")
    agent.say("Yes, it is made for that. See https://example.org/care for more.")
    page.get_by_role("button", name="Note", exact=True).click()
    page.get_by_role("textbox", name="Reply").fill("She asks often.")
    page.get_by_role("button", name="Save note").click()
    agent.log.get_by_role("note").wait_for()
    page.get_by_role("textbox", name="Reply").fill("A draft of a note")
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        looks_right(agent, f"talk-{size}")
    page.get_by_role("button", name="Show the customer").click()
    looks_right(agent, "customer-phone")
    page.get_by_role("button", name="Back").first.click()
    page.get_by_role("button", name="Back").first.click()
    page.get_by_role("link", name="Clara Berg").wait_for()
    looks_right(agent, "list-phone")
    page.get_by_role("link", name="Clara Berg").click()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Note", exact=True).click()
    page.get_by_role("textbox", name="Reply").fill("/")
    page.get_by_role("option").first.wait_for()
    looks_right(agent, "canned")
    page.keyboard.press("Escape")
    for button, name in (
        ("Transfer", "transfer"),
        ("Add participant", "participant"),
        ("Edit customer", "edit"),
        ("Settings", "settings"),
    ):
        page.get_by_role("button", name=button).click()
        page.get_by_role("dialog").wait_for()
        looks_right(agent, name)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name=button)).to_be_focused()
    page.get_by_role("combobox", name="Status").click()
    looks_right(agent, "status")
    page.keyboard.press("Escape")
    agent.log.focus()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    looks_right(agent, "shortcuts")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("list", name="Results").wait_for()
    looks_right(agent, "search")
    page.set_viewport_size({"width": 390, "height": 844})
    looks_right(agent, "search-phone")
    assert agent.troubles == []


def test_chinese_has_words_for_everything(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    page = agent.page
    page.get_by_role("button", name="Nadia Berg, your account").click()
    page.get_by_role("menuitemradio", name="简体中文").click()
    page.get_by_role("combobox", name="状态").click()
    page.get_by_role("option", name="空闲").first.click()
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Hello")
    offer = page.get_by_role("alertdialog", name="来自Clara Berg的在线会话")
    looks_right(agent, "offer-chinese")
    offer.get_by_role("button", name="接受").click()
    page.get_by_role("textbox", name="回复").fill("您好")
    page.get_by_role("button", name="发送", exact=True).click()
    expect(page.get_by_role("log", name="对话").get_by_text("您好", exact=True)).to_be_visible()
    looks_right(agent, "talk-chinese")
    assert page.get_by_text("agent.").count() == 0
    page.get_by_role("button", name="结束").click()
    page.get_by_role("button", name="完成整理").wait_for()
    looks_right(agent, "wrap-up-chinese")
    assert agent.troubles == []


def test_the_keyboard_is_enough(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    page = agent.page
    page.get_by_role("combobox", name="Status").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Ava")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Status")).to_contain_text("Available")
    for name in ("Clara Berg", "Wang Xue"):
        visitor = people_of_own_hub.visitor()
        visitor.visit()
        visitor.start_chat(name, "Support", f"Hello from {name}")
        page.get_by_role("alertdialog", name=name).wait_for()
        page.keyboard.press("Alt+A")
        agent.sees(f"Hello from {name}")
    page.keyboard.press("Alt+ArrowUp")
    agent.sees("Hello from Clara Berg")
    page.keyboard.type("Good day")
    page.keyboard.press("Enter")
    agent.sees("Good day")
    page.keyboard.press("Alt+2")
    agent.sees("Hello from Wang Xue")
    first = page.get_by_role("list", name="My contacts").get_by_role("link", name="Clara Berg")
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("list", name="My contacts").get_by_role("link", name="Wang Xue")).to_be_focused()
    page.keyboard.press("Alt+T")
    dialog = page.get_by_role("dialog", name="Transfer Wang Xue")
    expect(dialog).to_be_visible()
    for _ in range(12):  # Tab stays within
        page.keyboard.press("Tab")
        inside = page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
        assert inside
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+C")
    expect(page.get_by_role("button", name="Finish wrap-up")).to_be_enabled()
    assert agent.troubles == []
