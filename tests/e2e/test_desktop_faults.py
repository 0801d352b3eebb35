"""Bad luck at the desk: the network or the hub goes, the page closes in the middle, the session ends elsewhere."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import People
from tests.e2e.people import Agent, Visitor
from tests.hub import DemoHub


def talk(people: People) -> tuple[Agent, Visitor]:
    agent = people.agent("agent1")
    agent.set_status("available")
    clara = people.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Hello")
    agent.accept("Clara Berg")
    return agent, clara


def test_what_is_written_without_a_connection_arrives_once_and_in_order(people_of_own_hub: People) -> None:
    agent, clara = talk(people_of_own_hub)
    agent.context.set_offline(True)
    agent.say("First")
    agent.say("Second")
    expect(agent.page.get_by_text("Connection lost, trying again. You can keep working.")).to_be_visible()
    expect(agent.log.get_by_text("Not sent yet, retrying").first).to_be_visible()
    agent.picture("offline")
    agent.context.set_offline(False)
    clara.sees("First")
    clara.sees("Second")
    expect(agent.log.get_by_text("Not sent yet, retrying")).to_have_count(0)
    expect(agent.page.get_by_text("Connection lost")).to_have_count(0)
    said = [text for text in agent.log.locator(".msg.out .bub").all_inner_texts() if text in {"First", "Second"}]
    assert said == ["First", "Second"]
    assert agent.troubles == []


def test_what_was_not_sent_when_the_page_closed_goes_out_with_the_next(people_of_own_hub: People) -> None:
    agent, clara = talk(people_of_own_hub)
    address = agent.page.url
    agent.context.set_offline(True)
    agent.say("Written just before the lid was closed")
    expect(agent.log.get_by_text("Not sent yet, retrying")).to_be_visible()
    agent.page.close()
    agent.context.set_offline(False)
    agent.page = agent.context.new_page()
    agent.page.goto(address)
    clara.sees("Written just before the lid was closed")
    agent.sees("Written just before the lid was closed")


def test_a_hub_that_dies_and_returns_loses_nothing(people_of_own_hub: People, own_hub: DemoHub) -> None:
    agent, clara = talk(people_of_own_hub)
    own_hub.kill()
    agent.say("Said into the gap")
    expect(agent.page.get_by_text("Connection lost")).to_be_visible()
    own_hub.start()
    clara.sees("Said into the gap")
    expect(agent.page.get_by_text("Connection lost")).to_have_count(0)
    clara.say("I am still here")
    agent.sees("I am still here")
    expect(agent.log.get_by_text("Said into the gap", exact=True)).to_have_count(1)
    assert agent.troubles == []


def test_signing_out_in_one_window_ends_the_others(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    other = agent.context.new_page()
    other.goto(f"{agent.url}/agent")
    other.get_by_role("combobox", name="Status").wait_for()
    agent.page.get_by_role("button", name="Nadia Berg, your account").click()
    agent.page.get_by_role("menuitem", name="Sign out").click()
    expect(agent.page).to_have_url(re.compile("/login"))
    expect(other).to_have_url(re.compile("/login"))
    other.goto(f"{agent.url}/agent")
    expect(other).to_have_url(re.compile("/login"))
