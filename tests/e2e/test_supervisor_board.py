"""The wallboard on a running hub: it sees what visitors and agents do, and what a supervisor does reaches them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import People
from tests.e2e.office import Office, Staff, accessible, keys_shown, wider_than_window
from tests.e2e.people import PHONE
from tests.hub import DemoHub


@pytest.fixture
def lead(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> Iterator[Office]:
    office = Office(chromium, own_hub, artefacts)
    yield office
    office.leave()


def cell(staff: Staff, table: str, row: str, column: str) -> Locator:
    heads = staff.page.get_by_role("table", name=table).get_by_role("columnheader").all_inner_texts()
    within = staff.page.get_by_role("table", name=table).get_by_role("row")
    cells = within.filter(has=staff.page.get_by_role("rowheader", name=row)).get_by_role("cell")
    return cells.nth(heads.index(column) - 1)


def test_a_day_at_the_wallboard(lead: Office, people_of_own_hub: People) -> None:
    people = people_of_own_hub
    board = lead.enter("lead", "/supervisor", reduced_motion="reduce")
    page = board.page
    alerts = page.get_by_role("complementary", name="Alerts")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    expect(alerts.get_by_text("Support: nobody is there")).to_be_visible()

    # Somebody waits; then somebody answers.
    clara = people.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Is the kyusu safe for the oven?")
    expect(cell(board, "Queues", "Support", "Waiting")).to_have_text("1")
    expect(alerts.get_by_text("1 waits and nobody can take it.")).to_be_visible()
    board.picture("waiting")
    agent = people.agent("agent1")
    agent.set_status("available")
    agent.accept("Clara Berg")
    expect(cell(board, "Queues", "Support", "Waiting")).to_have_text("0")
    expect(cell(board, "Queues", "Support", "Talking")).to_have_text("1")
    expect(alerts.get_by_text("Support: nobody is there")).to_have_count(1)  # under "Earlier"
    row = board.row("Nadia Berg")
    expect(row).to_contain_text("Busy")

    # Reading along is seen by neither side; joining is seen by both.
    row.get_by_role("button", name="Clara Berg").click()
    drawer = page.get_by_role("dialog", name="Conversation")
    log = drawer.get_by_role("log", name="Conversation")
    expect(log.get_by_text("Is the kyusu safe for the oven?")).to_be_visible()
    agent.say("No, only for tea.")
    expect(log.get_by_text("No, only for tea.")).to_be_visible()
    expect(agent.log.get_by_text("Ida joined")).to_have_count(0)
    assert accessible(page) == []
    board.picture("reading-along")
    drawer.get_by_role("button", name="Join").click()
    expect(drawer.get_by_role("link", name="Write at my desk")).to_be_visible()
    expect(agent.log.get_by_text("Ida joined")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(row.get_by_role("button", name="Clara Berg")).to_be_focused()

    # The status that a supervisor sets is the agent's own.
    row.get_by_role("button", name="Set status").click()
    page.get_by_role("menuitemradio", name="Training").click()
    expect(agent.status).to_contain_text("Training")
    expect(row).to_contain_text("Away, Training")

    # Logged out: the page of the agent leads to the sign-in, and the contact goes back to the queue.
    row.get_by_role("button", name="Log out").click()
    page.get_by_role("dialog", name="Log out Nadia Berg?").get_by_role("button", name="Log out").click()
    agent.page.wait_for_url("**/login?**")
    expect(page.get_by_text("Nadia Berg is logged out")).to_be_visible()
    board.picture("logged-out")


def test_only_the_chosen_queue_is_counted(lead: Office) -> None:
    board = lead.enter("lead", "/supervisor")
    page = board.page
    page.get_by_role("combobox", name="Queues shown").click()
    page.get_by_role("option", name="Billing").click()
    expect(page.get_by_role("table", name="Queues").get_by_role("rowheader")).to_have_text(["Billing"])
    page.reload()
    expect(page.get_by_role("table", name="Queues").get_by_role("rowheader")).to_have_text(["Billing"])
    page.get_by_role("button", name="signed out").click()
    expect(page.get_by_role("table", name="Agents").get_by_role("rowheader", name="Deniz Arslan")).to_be_visible()
    expect(page.get_by_role("table", name="Agents").get_by_role("rowheader", name="Lin Mei")).to_have_count(0)


def test_a_lost_connection_is_said_and_comes_back(lead: Office, own_hub: DemoHub) -> None:
    board = lead.enter("lead", "/supervisor")
    expect(board.page.get_by_text("Live", exact=True)).to_be_visible()
    own_hub.kill()
    expect(board.page.get_by_text("Not up to date")).to_be_visible(timeout=10_000)
    own_hub.start()
    expect(board.page.get_by_text("Live", exact=True)).to_be_visible(timeout=20_000)
    board.troubles.clear()  # the browser says that the connection was refused


@pytest.mark.parametrize("device", ["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(lead: Office, device: str, scheme: str) -> None:
    context = PHONE if device == "phone" else {}
    board = lead.enter("lead", "/supervisor", reduced_motion="reduce", color_scheme=scheme, **context)
    board.page.get_by_role("button", name="signed out").click()
    expect(board.page.get_by_role("rowheader", name="Lin Mei")).to_be_visible()
    assert accessible(board.page) == []
    assert keys_shown(board.page) == []
    assert wider_than_window(board.page) <= 0
    board.picture(f"board-{device}-{scheme}")


def test_an_agent_does_not_get_in(lead: Office) -> None:
    staff = lead.enter("agent1", "/agent")
    staff.open("/supervisor")
    expect(staff.page.get_by_role("table", name="Queues")).to_have_count(0)
    expect(staff.page.get_by_role("heading", level=1)).to_be_visible()
