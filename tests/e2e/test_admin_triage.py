"""How triage did: the figures of what came, at the administration and at the wallboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.letters import letter, post
from tests.e2e.office import Office, accessible, keys_shown, wider_than_window
from tests.hub import DemoHub
from tests.peers import require

FANG = "王芳 <fang@qingcha.example>"
LANGUAGE = """async (locale) => {
  const csrf = document.querySelector("meta[name=csrf]").content;
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  await fetch("/api/v1/me", { method: "PATCH", headers, body: JSON.stringify({ locale }) });
}"""


@pytest.fixture
def office(chromium: Browser, tmp_path: Path, artefacts: Path) -> Iterator[Office]:
    require("node")
    hub = DemoHub(tmp_path, settings="[email]\nclassifier = true\n").start()
    group = Office(chromium, hub, artefacts)
    yield group
    group.leave()
    hub.stop()


def cells(page: Page, table: str, row: str) -> list[str]:
    named = page.get_by_role("table", name=table).get_by_role("row")
    return named.filter(has=page.get_by_role("rowheader", name=row)).get_by_role("cell").all_inner_texts()


def good(page: Page) -> None:
    assert accessible(page) == []
    assert keys_shown(page) == []
    assert re.search(r"\btriage\.[a-z_.]+", page.locator("body").inner_text()) is None
    assert wider_than_window(page) <= 0


def test_how_triage_did_is_shown_to_who_may_see_it(office: Office) -> None:
    staff = office.enter("admin", "/admin#/triage")
    page = staff.page
    expect(page.get_by_text("No e-mails in this time")).to_be_visible()
    # The classifier is on, and has nothing to learn from.
    learning = page.get_by_role("region", name="Classifier")
    expect(learning.get_by_text("There are 0 so far")).to_be_visible(timeout=60_000)
    learning.get_by_role("button", name="Learn now").click()
    expect(learning.get_by_role("status")).to_have_text("Learning")
    expect(learning.get_by_role("status")).to_have_text("Waiting", timeout=60_000)
    good(page)

    post(office.hub, letter("茶壶漏水", "您好，我上周买的茶壶漏水了。请问可以退货吗？", sender=FANG))
    post(office.hub, letter("My invoice", "The invoice of last month is wrong."))
    agent = office.enter("agent1", "/agent")
    desk = agent.page
    desk.get_by_role("combobox", name="Status").click()
    desk.get_by_role("option", name="Available").first.click()
    desk.get_by_role("alertdialog", name="Mara Lind").get_by_role("button", name="Accept").click()
    desk.get_by_role("textbox", name="Reply", exact=True).fill("We correct it.")
    desk.get_by_role("button", name="Send", exact=True).click()
    desk.get_by_role("button", name="Transfer", exact=True).click()
    desk.get_by_role("dialog").get_by_text("Billing", exact=True).first.click()
    desk.get_by_role("dialog").get_by_role("button", name="Transfer", exact=True).click()
    expect(desk.get_by_role("list", name="My contacts").get_by_text("Mara Lind")).to_have_count(0)

    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("link", name="Chinese to those who speak it")).to_be_visible()
    assert cells(page, "By rule", "Chinese to those who speak it") == ["1", "50%", "0", "0"]
    assert cells(page, "By rule", "No rule: the mailbox's own queue") == ["1", "50%", "1", "1"]
    assert cells(page, "By queue", "Support")[:4] == ["1", "1", "0", "0"]
    billing = cells(page, "By queue", "Billing")
    assert (billing[:4], billing[5:]) == (["0", "0", "1", "1"], ["Nothing", "0", "0"])
    assert re.fullmatch(r"\d+ (sec|min)s?", billing[4])
    assert cells(page, "Most frequent corrections", "Support") == ["Billing", "1"]
    staff.picture("desk")
    good(page)
    page.get_by_role("combobox", name="Period").click()
    page.get_by_role("option", name="Last 90 days").click()
    expect(page.get_by_role("link", name="Chinese to those who speak it")).to_be_visible()

    # Without the hub it says so, and goes on when it is there again.
    staff.context.set_offline(True)
    page.get_by_role("button", name="Refresh").click()
    expect(page.get_by_role("alert")).to_contain_text("This could not be loaded")
    staff.context.set_offline(False)
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="Chinese to those who speak it")).to_be_visible()

    # A supervisor sees the figures at the wallboard, and not the classifier, which is the administrators'.
    lead = office.enter("lead", "/supervisor")
    lead.page.get_by_role("button", name="How triage did").click()
    shown = lead.page.get_by_role("dialog", name="How triage did")
    expect(shown.get_by_role("table", name="By queue")).to_be_visible()
    expect(shown.get_by_text("Classifier")).to_have_count(0)
    lead.picture("wallboard")
    good(lead.page)

    for name, context in (
        ("dark", {"color_scheme": "dark"}),
        ("narrow", {"viewport": {"width": 390, "height": 844}}),
        ("zh", {"locale": "zh-CN"}),
    ):
        other = office.enter("admin", "/admin#/triage", **context)
        if name == "zh":
            other.page.evaluate(LANGUAGE, "zh-CN")
            other.page.reload()
        expect(other.page.get_by_role("table").first).to_be_visible()
        good(other.page)
        other.picture(name)
