"""Contacts of every channel at one desk: offered, taken side by side within one capacity, explained and wrapped up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import People
from tests.e2e.office import Office, accessible, keys_shown
from tests.e2e.people import Agent
from tests.hub import DemoHub

CALL = """async ([method, path, body]) => {
  const csrf = document.querySelector('meta[name=csrf]').content;
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  const answer = await fetch("/api/v1/" + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}"""


class Lead:
    """A supervisor's program: makes contacts as a telephone exchange or a mail reader would."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.page.evaluate(CALL, [method, path, body])
        return answer

    def contact(self, channel: str, name: str, subject: str = "", text: str = "", **more: Any) -> str:
        person = {"name": name, "email": f"{name.split()[0].lower()}@example.org", "phone": "+493012345"}
        body = {"channel": channel, "queue": "support", "customer": person, "subject": subject, "text": text, **more}
        return str(self.call("POST", "contacts", body)["id"])


@pytest.fixture
def office(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> Iterator[Office]:
    group = Office(chromium, own_hub, artefacts)
    yield group
    group.leave()


@pytest.fixture
def lead(office: Office) -> Lead:
    return Lead(office.enter("admin", "/supervisor").page)


def row(agent: Agent, name: str) -> Locator:
    return agent.page.get_by_role("list", name="My contacts").get_by_role("link").filter(has_text=name)


def take(agent: Agent, title: str) -> None:
    offer = agent.page.get_by_role("alertdialog", name=title)
    offer.get_by_role("button", name="Accept").click()
    expect(offer).to_have_count(0)


def ask_why(page: Page) -> Locator:
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Why?").click()
    return page.get_by_role("dialog")


def test_a_call_an_email_and_a_chat_side_by_side(people_of_own_hub: People, lead: Lead) -> None:
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    capacity = agent.page.get_by_role("meter", name="Capacity")

    lead.contact("email", "Erin Moss", "Cracked lid", "The lid of my teapot came cracked.")
    take(agent, "E-mail from Erin Moss")
    expect(row(agent, "Erin Moss")).to_be_visible()
    lead.contact("chat", "Chao Li", "Glaze", "Is tenmoku safe in the oven?")
    take(agent, "Incoming chat from Chao Li")
    lead.contact("voice", "Vera Lind", "Delivery")
    offer = agent.page.get_by_role("alertdialog", name="Incoming call from Vera Lind")
    expect(offer).to_contain_text("Support")
    agent.picture("call-offered")
    assert accessible(agent.page) == []
    take(agent, "Incoming call from Vera Lind")
    for name, channel in (("Erin Moss", "E-mail"), ("Chao Li", "Chat"), ("Vera Lind", "Call")):
        expect(row(agent, name).get_by_role("img", name=channel, exact=True)).to_be_visible()
    expect(capacity).to_have_attribute("aria-valuenow", "3")
    expect(capacity).to_have_attribute("aria-valuetext", "1 call + 1 chat + 1 e-mail")
    expect(agent.page.get_by_role("heading", level=1, name="Vera Lind")).to_be_visible()
    expect(agent.page.get_by_role("button", name="Hold")).to_be_visible()
    # Nobody reads what is written beside a call: it is kept as a note.
    expect(agent.page.get_by_role("textbox", name="Reply as internal note")).to_be_visible()
    agent.picture("three-channels")
    assert keys_shown(agent.page) == []
    assert accessible(agent.page) == []

    # A second call does not come beside the first: the line is taken.
    lead.contact("callback", "Carl Otto", "Invoice")
    expect(agent.page.get_by_role("table", name="Waiting by queue")).to_contain_text("Support")
    agent.page.get_by_role("button", name="Close", exact=True).click()
    wrapup = agent.page.get_by_role("region", name="Wrap-up")
    wrapup.get_by_role("combobox", name="Outcome").click()
    agent.page.get_by_role("option", name="Solved").click()
    agent.picture("wrap-up")
    assert accessible(agent.page) == []
    wrapup.get_by_role("button", name="Finish wrap-up").click()
    expect(row(agent, "Vera Lind")).to_have_count(0)
    take(agent, "Callback for Carl Otto")
    expect(row(agent, "Carl Otto").get_by_role("img", name="Callback", exact=True)).to_be_visible()
    expect(agent.page.get_by_text("+493012345").first).to_be_visible()
    agent.picture("callback")
    assert accessible(agent.page) == []


def test_why_tells_what_a_contact_asked_for_and_who_comes_next(
    people_of_own_hub: People, lead: Lead, artefacts: Path
) -> None:
    rule = {"name": "Gold", "when": [{"fact": "customer.tier", "value": "gold"}], "priority": 10}
    lead.call("POST", "rules", {"id": "gold", **rule})
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    person = {"name": "Goldie Ames", "fields": {"tier": "gold"}}
    lead.contact("chat", "Goldie Ames", "Kiln", "Hello", customer=person)
    offer = agent.page.get_by_role("alertdialog", name="Incoming chat from Goldie Ames")
    offer.get_by_role("button", name="Why?").click()
    why = agent.page.get_by_role("dialog", name="Why this contact waits")
    expect(why).to_contain_text("10 minutes earlier")
    expect(why).to_contain_text("It is offered to Nadia Berg now.")
    expect(why).to_contain_text("Support ≥ 3")
    expect(why.get_by_role("row").filter(has_text="Lin Mei")).to_contain_text("not available")
    agent.picture("why-offered")
    assert accessible(agent.page) == []
    why.get_by_role("button", name="Close dialog").click()
    expect(why).to_have_count(0)
    take(agent, "Incoming chat from Goldie Ames")
    expect(agent.page.get_by_role("textbox", name="Reply")).to_be_visible()
    after = ask_why(agent.page)
    expect(after).to_contain_text("Gold")
    expect(after).to_contain_text("Support ≥ 3")
    expect(after.get_by_role("table")).to_have_count(0)
    agent.picture("why-taken")

    # The same for a supervisor who reads along.
    board = lead.page
    board.get_by_role("button", name="Goldie Ames").click()
    board.get_by_role("dialog").get_by_role("button", name="Why?").click()
    reasons = board.get_by_role("dialog", name="Why this contact is here")
    expect(reasons).to_contain_text("10 minutes earlier")
    board.screenshot(path=artefacts / "supervisor-why.png")
    assert accessible(board) == []


def test_a_move_and_a_change_of_channel_are_told_in_the_log(people_of_own_hub: People, lead: Lead) -> None:
    lead.call(
        "POST",
        "queues",
        {
            "id": "desk",
            "name": "Front desk",
            "overflow": [{"when": "wait", "after_s": 1, "to": "queue", "queue": "sales"}],
        },
    )
    id = lead.contact("chat", "Otis Mars", "Bowl", "Hello?", queue="desk")
    lead.page.wait_for_timeout(1500)
    lead.call("POST", f"contacts/{id}/channel", {"channel": "voice"})
    agent = people_of_own_hub.agent("agent2")
    agent.set_status("available")
    take(agent, "Incoming call from Otis Mars")
    expect(agent.log).to_contain_text("Moved on to Sales by a rule of the queue")
    expect(agent.log).to_contain_text("Goes on as Call")
    agent.picture("moved")


def test_who_is_sent_away_reads_a_notice(people_of_own_hub: People, lead: Lead) -> None:
    queue = lead.page.evaluate("async () => (await fetch('/api/v1/queues/support')).json()")
    words = {"en": "Nobody is here now. Write to help@moss.example."}
    queue["overflow"] = [{"when": "unstaffed", "after_s": 0, "to": "message", "text": words}]
    body = {key: value for key, value in queue.items() if key not in ("updated_at", "updated_by", "created_at")}
    lead.call("PUT", "queues/support", body)
    visitor = people_of_own_hub.visitor()
    visitor.visit()
    visitor.start_chat("Clara Berg", "Support", "My cup has a crack.")
    notice = visitor.log.get_by_text(words["en"])
    expect(notice).to_be_visible()
    expect(visitor.log.locator(".told")).to_have_count(1)
    expect(visitor.log.locator(".m")).to_have_count(1)
    visitor.picture("sent-away")


def test_a_supervisor_sees_who_waits_and_why(lead: Lead, artefacts: Path) -> None:
    lead.contact("callback", "Wanda Roth", "Glaze")
    board = lead.page
    board.get_by_role("button", name="Support: show the 1 waiting").click()
    waiting = board.get_by_role("dialog", name="Waiting in Support")
    row_of_wanda = waiting.get_by_role("row").filter(has_text="Wanda Roth")
    expect(row_of_wanda).to_contain_text("Waiting")
    board.screenshot(path=artefacts / "supervisor-waiting.png")
    assert accessible(board) == []
    row_of_wanda.get_by_role("button", name="Why Wanda Roth waits").click()
    why = board.get_by_role("dialog", name="Why this contact waits")
    expect(why).to_contain_text("unknown: nobody is here who could serve it")
    expect(why.get_by_role("row").filter(has_text="Nadia Berg")).to_contain_text("not available")
    board.screenshot(path=artefacts / "supervisor-why-waiting.png")
    assert accessible(board) == []
