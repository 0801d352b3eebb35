"""The agent who looks after a customer: chosen at the desk by keyboard, seen on the card, asked first, and cleared."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import Agent
from tests.e2e.test_desktop_look import looks_right


def card(page: Page) -> Locator:
    return page.get_by_role("region", name="Customer")


def choose_owner(page: Page, letters: str) -> None:
    """By the keyboard alone: the name's first letters, Enter, and Enter in a field for Save."""
    page.get_by_role("button", name="Edit customer").click()
    owner = page.get_by_role("combobox", name="Looked after by")
    owner.focus()
    page.keyboard.press("Enter")
    page.keyboard.type(letters)
    page.keyboard.press("Enter")
    expect(owner).to_be_focused()
    page.get_by_role("textbox", name="Name", exact=True).press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def ends(agent: Agent) -> None:
    agent.page.get_by_role("button", name="Close").click()
    agent.page.get_by_role("combobox", name="Outcome").click()
    agent.page.get_by_role("option", name="Solved").click()
    agent.page.get_by_role("button", name="Finish wrap-up").click()
    expect(agent.page.get_by_role("list", name="My contacts").get_by_role("link")).to_have_count(0)


def test_who_looks_after_a_customer_is_asked_first(people_of_own_hub: People) -> None:
    nadia = people_of_own_hub.agent("agent1")
    page = nadia.page
    nadia.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Billing", "Where is my invoice?")
    nadia.accept("Clara Berg")
    expect(card(page)).not_to_contain_text("Looked after by")
    choose_owner(page, "Den")
    expect(card(page).get_by_role("definition").filter(has_text="Deniz Arslan")).to_be_visible()
    ends(nadia)

    # Nadia served this browser last, so without an owner she would be asked.
    deniz = people_of_own_hub.agent("agent3")
    deniz.set_status("available")
    clara.widget.get_by_role("button", name="Skip").click()
    clara.widget.get_by_role("button", name="New chat").click()
    clara.widget.get_by_role("textbox", name="How can we help?").fill("One more question")
    clara.widget.get_by_role("combobox", name="Topic").select_option(label="Billing")
    clara.widget.get_by_role("button", name="Start chat").click()
    deniz.accept("Clara Berg")
    expect(nadia.offer).to_have_count(0)
    expect(card(deniz.page)).to_contain_text("Deniz Arslan")

    # His own name is marked in the list; whoever wants no owner says so.
    deniz.page.get_by_role("button", name="Edit customer").click()
    owner = deniz.page.get_by_role("combobox", name="Looked after by")
    expect(owner).to_have_text("Deniz Arslan (you)")
    expect(owner).to_have_accessible_description("New contacts of this customer are offered to this agent first.")
    deniz.page.keyboard.press("Escape")
    choose_owner(deniz.page, "Nob")
    expect(card(deniz.page)).not_to_contain_text("Looked after by")
    assert nadia.troubles == deniz.troubles == []


def test_an_owner_that_somebody_else_chose_meanwhile_is_told(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1")
    agent.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Hello")
    agent.accept("Clara Berg")
    other = agent.context.new_page()
    other.goto(agent.page.url)
    other.get_by_role("button", name="Edit customer").click()
    choose_owner(agent.page, "Lin")
    dialog = other.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Looked after by").click()
    other.get_by_role("option", name="Deniz Arslan").click()
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_text("Now stored: Lin Mei")).to_be_visible()
    dialog.get_by_role("button", name="Save mine").click()
    expect(card(agent.page)).to_contain_text("Deniz Arslan")
    assert agent.troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_choice_looks_right_everywhere(people_of_own_hub: People, scheme: str) -> None:
    agent = people_of_own_hub.agent("agent1", color_scheme=scheme)
    page = agent.page
    agent.set_status("available")
    clara = people_of_own_hub.visitor()
    clara.visit()
    clara.start_chat("Clara Berg", "Support", "Hello")
    agent.accept("Clara Berg")
    choose_owner(page, "Den")
    looks_right(agent, "card")
    page.get_by_role("button", name="Edit customer").click()
    page.get_by_role("combobox", name="Looked after by").click()
    looks_right(agent, "list")
    page.set_viewport_size({"width": 390, "height": 844})  # the card's pane is hidden then, its dialog stays
    looks_right(agent, "list-phone")
    expect(page.get_by_role("option", name="Lin Mei")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Show the customer").click()
    agent.speak("zh-CN")
    expect(page.get_by_role("region", name="客户")).to_contain_text("专属客服")
    looks_right(agent, "card-chinese")
    page.get_by_role("button", name="编辑客户").click()
    page.get_by_role("combobox", name="专属客服").scroll_into_view_if_needed()
    expect(page.get_by_text("该客户的新会话会优先分配给这位客服。")).to_be_visible()
    looks_right(agent, "form-chinese")
    assert agent.troubles == []
