"""The records of calls: real ones are listed, narrowed, opened, heard and saved; by keys, narrow, dark, in Chinese."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.office import Office, Staff, accessible, keys_shown, office, wider_than_window
from tests.e2e.people import PHONE, until
from tests.e2e.test_desktop_channels import CALL
from tests.e2e.test_recordings import past_call
from tests.e2e.voices import Speak, call_and_give_up, speaking, telephone
from tests.hub import DemoHub

__all__ = ["office", "speaking"]  # fixtures


@pytest.fixture
def lead(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> Iterator[Office]:
    group = Office(chromium, own_hub, artefacts)
    yield group
    group.leave()


@pytest.fixture(scope="module")
def past(shared_hub: DemoHub) -> str:
    """The contact of a call with figures and a recording."""
    return past_call(shared_hub)


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="Calls")


def rows(page: Page) -> Locator:
    return table(page).locator("tbody tr")


def detail(page: Page) -> Locator:
    return page.get_by_role("complementary")


def figure(page: Page, name: str) -> Locator:
    return page.locator(".summary .figure", has=page.get_by_text(name, exact=True)).locator("dd")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def until_listed(page: Page, number: int = 1) -> None:
    """Until the hub has read of so many calls, which were written by another process."""
    again = page.locator(".sheet-head .right button").first
    again.wait_for()
    while page.locator(".calls-table tbody tr").count() < number:
        again.click()
        page.wait_for_timeout(200)


def records_all(page: Page) -> None:
    """Calls of the queue Support are recorded from now on."""
    row = page.evaluate("fetch('/api/v1/queues/support').then((answer) => answer.json())")
    row["recording"] = {**row["recording"], "mode": "always"}
    page.evaluate(CALL, ["PUT", "queues/support", row])


def looks_right(staff: Staff, name: str) -> None:
    staff.page.wait_for_timeout(400)  # what fades in has its final colours
    staff.picture(name)
    assert accessible(staff.page) == []
    assert keys_shown(staff.page) == []
    assert wider_than_window(staff.page) == 0


def test_calls_from_the_telephone(speaking: Speak, own_hub: DemoHub, lead: Office, tmp_path: Path) -> None:
    admin = lead.enter("admin", "/admin")
    records_all(admin.page)
    staff = lead.enter("lead", "/calls")
    page = staff.page
    page.get_by_text("No calls", exact=True).wait_for()
    looks_right(staff, "empty")

    # One is given up while it waits, one answered, held, and ended by the agent.
    call_and_give_up(own_hub, tmp_path)
    agent = speaking(440).agent("agent1")
    agent.set_status("available")
    with telephone(own_hub, tmp_path):
        agent.offer.get_by_role("button", name="Accept").click()
        agent.page.locator(".call.active").wait_for()
        page.get_by_role("button", name="Load again").click()
        expect(rows(page)).to_have_count(2)
        expect(rows(page).first.get_by_text("Running", exact=True)).to_be_visible()
        agent.page.get_by_role("button", name="Hold").click()
        agent.page.locator(".call.held").wait_for()
        agent.page.get_by_role("button", name="Resume").click()
        agent.page.locator(".call.active").wait_for()
        agent.page.wait_for_timeout(2500)
        agent.page.get_by_role("button", name="Hang up").click()
        agent.page.get_by_role("region", name="Wrap-up").wait_for()
    while rows(page).first.get_by_text("Answered", exact=True).count() == 0:
        page.get_by_role("button", name="Load again").click()
        page.wait_for_timeout(200)
    expect(rows(page).first).to_contain_text("Nadia Berg")
    expect(rows(page).last).to_contain_text("Given up")
    expect(figure(page, "Calls")).to_have_text("2")
    expect(figure(page, "Answered")).to_have_text("50%1")
    expect(figure(page, "Given up")).to_have_text("50%1")

    # The call's course in words, its figures and its recording.
    rows(page).first.get_by_role("link").click()
    told = detail(page).locator(".timeline li span")
    expect(told.filter(has_text="Talks with Nadia Berg")).to_be_visible()
    words = told.all_text_contents()
    course = [
        "called",
        "Offered to Nadia Berg",
        "accepted",
        "Talks with",
        "On hold",
        "Off hold",
        "Ended by",
    ]
    assert "The customer's line is open" in words  # before the offer or after it
    places = [next(n for n, line in enumerate(words) if step in line) for step in course]
    assert places == sorted(places), words
    lines = detail(page).get_by_role("row")
    expect(lines.filter(has_text="Customer's line")).to_contain_text("PCM")
    expect(lines.filter(has_text="Agent's line")).to_contain_text("4.")
    until(page, "document.querySelector('.recording .wave:not(.none)') !== null")
    detail(page).get_by_role("button", name="Play").click()
    until(page, "document.querySelector('.recording audio').currentTime > 0.3")
    detail(page).get_by_role("button", name="Pause").click()
    looks_right(staff, "real-call")

    # An abandoned one has neither; what became of it is said.
    rows(page).last.get_by_role("link").click()
    expect(detail(page).locator(".timeline li.over").last).to_contain_text("Ended by the customer")
    expect(detail(page).get_by_role("region", name="Recording of")).to_have_count(0)
    # On the contact's own page the same course stands.
    agent.page.locator(".timeline li span", has_text="Off hold").wait_for()
    assert [line for line in words if line in agent.page.locator(".timeline li span").all_text_contents()] == words


def test_narrowed_sorted_and_saved(office: Office, past: str) -> None:
    for _ in range(2):
        past_call(office.hub)
    page = office.enter("lead", "/calls").page
    until_listed(page, 3)
    every = rows(page).count()
    choose(page, "Queue", "Billing")
    page.get_by_text("No call fits").wait_for()
    page.get_by_role("button", name="Clear filters").last.click()
    expect(rows(page)).to_have_count(every)
    page.get_by_role("searchbox", name="Number").fill("30 1234")
    expect(page).to_have_url(re.compile("number=30"))
    choose(page, "Result", "Answered")
    choose(page, "Agent", "Nadia Berg")
    choose(page, "Direction", "Incoming")
    choose(page, "Why it ended", "Hung up")
    choose(page, "Recording", "Recorded")
    choose(page, "Time", "Today")
    expect(rows(page).first).to_be_visible()
    # A reload, or somebody else with the link, has the same list.
    page.reload()
    expect(page.get_by_role("combobox", name="Agent")).to_have_text("Nadia Berg")
    expect(rows(page).first).to_be_visible()
    shown = rows(page).count()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export CSV").click()
    assert saved.value.suggested_filename == "calls.csv"
    told = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig"))))
    assert len(told) == shown and {row["result"] for row in told} == {"answered"}
    assert all("3012345678" in row["caller"] for row in told)
    choose(page, "Result", "Given up")
    page.get_by_text("No call fits").wait_for()
    expect(page.get_by_role("button", name="Export CSV")).to_be_disabled()
    choose(page, "Time", "Other days")
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("to", exact=True).fill("2020-01-31")
    page.get_by_role("button", name="Clear filters").first.click()
    page.get_by_text("There were none in this time").wait_for()
    choose(page, "Time", "All time")

    expect(rows(page)).to_have_count(every)
    head = page.get_by_role("columnheader", name="Talked")
    for direction in ("descending", "ascending"):
        with page.expect_response(re.compile(r"/calls\?.*sort=talk")):
            head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", direction)


def test_page_by_page(office: Office, past: str) -> None:
    page = office.enter("lead", "/calls").page
    past_call(office.hub)
    until_listed(page, 2)
    # Pages of one row: whatever there is is more than a page.
    page.route(
        re.compile(r"/api/v1/calls\?"),
        lambda route: route.continue_(url=route.request.url.replace("limit=50", "limit=1")),
    )
    page.get_by_role("button", name="Load again").click()
    expect(rows(page)).to_have_count(1)
    first = rows(page).first.get_by_role("link").get_attribute("href")
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(2)
    assert rows(page).nth(1).get_by_role("link").get_attribute("href") != first
    expect(page.get_by_role("status").filter(has_text="2 of")).to_be_visible()


def test_by_keys_only(office: Office, past: str) -> None:
    past_call(office.hub)
    page = office.enter("lead", "/calls").page
    links = rows(page).get_by_role("link")
    until_listed(page, 2)
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(detail(page).get_by_role("heading", level=2)).to_be_focused()
    page.keyboard.press("Escape")
    expect(detail(page)).to_have_count(0)
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(links.last).to_be_focused()
    page.keyboard.press("Home")
    expect(links.first).to_be_focused()


def test_what_cannot_be_shown_is_said(office: Office, past: str) -> None:
    page = office.enter("lead", "/calls").page
    until_listed(page)
    page.route("**/api/v1/calls?*", lambda route: route.abort())
    page.get_by_role("button", name="Load again").click()
    expect(page.get_by_role("alert")).to_contain_text("The calls cannot be shown")
    page.unroute("**/api/v1/calls?*")
    page.get_by_role("button", name="Try again").click()
    expect(rows(page).first).to_be_visible()
    page.evaluate("location.hash = '#/ct_none.1'")
    expect(detail(page).get_by_role("alert")).to_contain_text("This call cannot be shown")


def test_agents_have_no_such_page(office: Office, past: str) -> None:
    agent = office.enter("agent1", "/agent").page
    expect(agent.get_by_role("link", name="Calls")).to_have_count(0)
    answer = agent.goto(f"{office.hub.url}/calls")
    assert answer is not None and answer.status == 403
    board = office.enter("lead", "/supervisor").page
    board.get_by_role("link", name="Calls").click()
    until_listed(board)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks(office: Office, past: str, scheme: Any) -> None:
    staff = office.enter("lead", "/calls", color_scheme=scheme, reduced_motion="reduce")
    page = staff.page
    until_listed(page)
    for name, width, height in (("desk", 1440, 900), ("small", 1100, 760), ("phone", 390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        expect(rows(page).first).to_be_visible()
        looks_right(staff, f"list-{name}")
    page.get_by_role("button", name="Filters").click()
    looks_right(staff, "filters-phone")
    page.set_viewport_size({"width": 1440, "height": 900})
    rows(page).first.get_by_role("link").click()
    page.locator(".wave:not(.none)").wait_for()
    for name, width, height in (("desk", 1440, 900), ("small", 1100, 760), ("phone", 390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        looks_right(staff, f"call-{name}")
    page.get_by_role("button", name="Back to the list").click()
    expect(rows(page).first).to_be_visible()


def test_in_chinese_on_a_phone(office: Office, past: str) -> None:
    staff = office.enter("lead", "/calls", **PHONE)
    page = staff.page
    page.evaluate(CALL, ["PATCH", "me", {"locale": "zh-CN"}])
    page.reload()
    until_listed(page)
    row = page.get_by_role("table", name="通话").locator("tbody tr").first
    expect(row).to_contain_text("已接通")
    looks_right(staff, "list-chinese")
    row.get_by_role("link").click()
    expect(detail(page).get_by_role("heading", name="通话过程")).to_be_visible()
    looks_right(staff, "call-chinese")
    page.evaluate(CALL, ["PATCH", "me", {"locale": "en"}])
