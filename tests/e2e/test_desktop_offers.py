"""Offers at the agent's desk: announced, accepted and declined by mouse and keyboard, the same in every window."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import Agent, until

RECORD_NOTIFICATIONS = """
window.shown = [];
const Real = window.Notification;
window.Notification = class extends Real {
  constructor(title, options) { super(title, options); window.shown.push([title, options.body]); }
};
"""
LOOK_AWAY = """
Object.defineProperty(document, "visibilityState", {value: "hidden", configurable: true});
document.hasFocus = () => false;
"""


def second_window(agent: Agent) -> Page:
    page = agent.context.new_page()
    page.on("pageerror", lambda error: agent.troubles.append(str(error)))
    page.goto(f"{agent.url}/agent")
    page.get_by_role("combobox", name="Status").wait_for()
    return page


def test_an_offer_says_who_and_why_and_can_be_declined_and_accepted_by_keyboard(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Can I pour boiling water into the kyusu?")
    expect(agent.page.get_by_role("table", name="Waiting by queue").get_by_role("row", name="Support")).to_contain_text(
        "1"
    )
    agent.set_status("available")
    offer = agent.page.get_by_role("alertdialog", name=re.compile("chat.*Clara Berg"))
    expect(offer).to_contain_text("Support, waited 0:")
    expect(offer.get_by_role("timer")).to_have_accessible_name(re.compile(r"\d+ seconds left"))
    expect(agent.page).to_have_title(re.compile("Clara Berg"))
    agent.page.keyboard.press("Alt+D")
    expect(offer).to_have_count(0)
    expect(agent.page).to_have_title(re.compile("^Contacts"))

    wang = people_of_own_hub.visitor()
    wang.visit()
    wang.start_chat("Wang Xue", "Support", "Where is my parcel?")
    agent.page.get_by_role("alertdialog", name="Wang Xue").wait_for()
    agent.page.keyboard.press("Alt+A")
    agent.sees("Where is my parcel?")
    expect(agent.page.get_by_role("meter", name="Capacity")).to_have_attribute("aria-valuetext", "1 chat")
    expect(agent.page.get_by_role("textbox", name="Reply")).to_be_focused()
    assert agent.troubles == []


def test_two_windows_of_one_agent_agree(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    other = second_window(agent)
    agent.set_status("available")
    expect(other.get_by_role("combobox", name="Status")).to_contain_text("Available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Hello?")
    expect(agent.offer).to_be_visible()
    expect(other.get_by_role("alertdialog")).to_be_visible()
    agent.accept("Clara Berg")
    expect(other.get_by_role("alertdialog")).to_have_count(0)
    row = other.get_by_role("list", name="My contacts").get_by_role("link", name="Clara Berg")
    row.click()
    agent.say("Good morning")
    expect(other.get_by_role("log").get_by_text("Good morning", exact=True)).to_be_visible()
    other.get_by_role("textbox", name="Reply").fill("From the other window")
    other.get_by_role("button", name="Send", exact=True).click()
    agent.sees("From the other window")
    clara.sees("From the other window")
    other.get_by_role("button", name="Close").click()
    expect(agent.page.get_by_role("button", name="Finish wrap-up")).to_be_enabled()
    assert agent.troubles == []


def test_a_window_in_the_background_tells_of_an_offer(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1", permissions=["notifications"])
    agent.context.add_init_script(RECORD_NOTIFICATIONS)
    agent.page.reload()
    agent.set_status("available")
    agent.page.evaluate(LOOK_AWAY)
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara <b>Berg</b>", "Support", "Hello?")
    agent.offer.wait_for()
    until(agent.page, "window.shown.length > 0")
    assert agent.page.evaluate("window.shown")[0][0] == "Incoming chat from Clara <b>Berg</b>"
    expect(agent.page).to_have_title(re.compile("Clara <b>Berg</b>"))


def test_a_colleague_joins_talks_and_leaves(people_of_own_hub: People) -> None:
    agent, colleague = people_of_own_hub.agent("agent1"), people_of_own_hub.agent("agent3")
    agent.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "It is about my invoice.")
    agent.accept("Clara Berg")
    agent.page.get_by_role("button", name="Add participant").click()
    dialog = agent.page.get_by_role("dialog", name="Add participant")
    dialog.get_by_role("radio", name="Deniz Arslan").click()
    dialog.get_by_role("button", name="Invite").click()
    invitation = colleague.page.get_by_role("alertdialog", name="Nadia Berg asks you to join")
    expect(invitation).to_contain_text("Clara Berg")
    invitation.get_by_role("button", name="Join").click()
    colleague.sees("It is about my invoice.")
    colleague.say("Your invoice went out today.")
    agent.sees("Your invoice went out today.")
    clara.sees("Your invoice went out today.")
    expect(colleague.page.get_by_role("button", name="Transfer")).to_have_count(0)
    colleague.page.get_by_role("button", name="Leave", exact=True).click()
    expect(colleague.page.get_by_role("list", name="My contacts").get_by_role("link")).to_have_count(0)
    expect(agent.log.get_by_text("Deniz left")).to_be_visible()
    assert agent.troubles == [] and colleague.troubles == []
