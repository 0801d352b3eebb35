"""Rows of the configuration through the pages: make, change, refuse, disagree, delete, and what the audit log says."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.office import Office, Staff, accessible, office

__all__ = ["office"]


def make_skill(staff: Staff, name: str) -> None:
    staff.open("/admin#/skills/new")
    staff.page.get_by_role("textbox", name="Name").fill(name)
    staff.page.get_by_role("button", name="Create").click()
    expect(staff.page.get_by_role("heading", level=1, name=name)).to_be_visible()


def leave_by(page: Page, link: str) -> None:
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=link).click()


def test_a_queue_is_made_changed_and_deleted(office: Office) -> None:
    staff = office.enter("admin", "/admin#/queues")
    page = staff.page
    page.get_by_role("link", name="New queue").click()

    # What is wrong stands under the field, and the first such field has the focus.
    page.get_by_role("textbox", name="Share answered in time").fill("180")
    page.get_by_role("button", name="Create").click()
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("This is needed.")
    expect(page.get_by_role("textbox", name="Share answered in time")).to_have_accessible_description(
        re.compile("from 1 to 100")
    )
    staff.picture("mistakes")
    assert accessible(page) == []

    name.fill("Spare parts & glazes")
    expect(page.get_by_role("textbox", name="ID")).to_have_value("spare-parts-glazes")
    page.get_by_role("textbox", name="Share answered in time").fill("90")
    page.get_by_role("combobox", name="Add a skill").first.select_option(label="Support")
    page.get_by_role("radiogroup", name="Level of Support").get_by_text("4", exact=True).click()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Spare parts & glazes")).to_be_visible()
    expect(page.get_by_role("textbox", name="ID")).to_be_disabled()

    leave_by(page, "Queues")
    row = staff.row("Spare parts & glazes")
    expect(row).to_contain_text("Support 4")
    expect(row).to_contain_text("90% in 20 s")

    page.get_by_role("searchbox", name="Search Queues").fill("glazes")
    expect(page.get_by_role("rowheader")).to_have_count(1)
    page.get_by_role("link", name="Spare parts & glazes").click()
    page.get_by_role("textbox", name="Wrap-up").fill("45")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Spare parts & glazes is deleted")).to_be_visible()
    expect(staff.row("Spare parts & glazes")).to_have_count(0)

    leave_by(page, "Audit log")
    log = page.get_by_role("list", name="Audit log")
    expect(log.get_by_role("listitem").first).to_contain_text("deleted queue Spare parts & glazes")
    change = log.get_by_role("listitem").filter(has_text="changed queue Spare parts & glazes").first
    change.locator("summary").click()
    expect(change.locator("del")).to_contain_text("60")
    expect(change.locator("ins")).to_contain_text("45")
    staff.picture("audit")


def test_what_the_server_refuses_stands_at_its_field(office: Office) -> None:
    staff = office.enter("admin", "/admin#/queues/support")
    page = staff.page
    for seconds in ("7000", "6000"):
        page.get_by_role("button", name="Add a step").click()
        page.get_by_role("textbox", name="After waiting").last.fill(seconds)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("textbox", name="After waiting").last).to_have_accessible_description(
        re.compile("a later time than the step before")
    )
    expect(page.get_by_role("textbox", name="After waiting").last).to_be_focused()


def test_a_row_in_use_says_by_whom(office: Office) -> None:
    staff = office.enter("admin", "/admin#/skills/support")
    staff.page.get_by_role("button", name="Delete").click()
    staff.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    refused = staff.page.get_by_role("dialog", name="This cannot be deleted now")
    expect(refused.get_by_role("link", name="Nadia Berg")).to_be_visible()
    staff.picture("refused")
    assert accessible(staff.page) == []
    refused.get_by_role("link", name="Support", exact=True).first.click()
    expect(staff.page.get_by_role("heading", level=1, name="Support")).to_be_visible()
    assert "#/queues/support" in staff.page.url


def test_two_who_change_one_row_see_both_versions(office: Office) -> None:
    first = office.enter("admin", "/admin")
    make_skill(first, "Kilns and wheels")
    address = first.page.url.removeprefix(first.url)
    second = office.enter("admin", address)

    second.page.get_by_role("textbox", name="Name").fill("Kilns")
    second.save()
    first.page.get_by_role("textbox", name="Name").fill("Wheels")
    first.page.get_by_role("button", name="Save", exact=True).click()
    conflict = first.page.get_by_role("dialog", name="Someone else saved this meanwhile")
    row = conflict.get_by_role("row").filter(has=first.page.get_by_role("rowheader", name="Name"))
    expect(row).to_contain_text("Wheels")
    expect(row).to_contain_text("Kilns")
    first.picture("conflict")
    assert accessible(first.page) == []
    conflict.get_by_role("button", name="Save my changes on top").click()
    expect(first.page.get_by_role("heading", level=1, name="Wheels")).to_be_visible()

    second.page.get_by_role("textbox", name="Name").fill("Clay")
    second.page.get_by_role("button", name="Save", exact=True).click()
    second.page.get_by_role("button", name="Take the saved version").click()
    expect(second.page.get_by_role("textbox", name="Name")).to_have_value("Wheels")


def test_changes_are_not_lost_by_leaving(office: Office) -> None:
    staff = office.enter("admin", "/admin#/reasons/new")
    page = staff.page
    page.get_by_role("textbox", name="Name").fill("Glazing")
    leave_by(page, "Outcomes")
    question = page.get_by_role("dialog", name="Leave without saving?")
    question.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Glazing")
    leave_by(page, "Outcomes")
    question.get_by_role("button", name="Leave without saving").click()
    expect(page.get_by_role("table", name="Outcomes")).to_be_visible()


def test_a_list_is_walked_by_keyboard(office: Office) -> None:
    staff = office.enter("admin", "/admin#/canned")
    page = staff.page
    expect(page.get_by_role("table", name="Canned replies")).to_be_visible()
    page.get_by_role("rowheader").first.get_by_role("link").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.get_by_role("rowheader").nth(2).get_by_role("link")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Shortcut")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_hours_are_typed_as_people_do(office: Office) -> None:
    staff = office.enter("admin", "/admin#/hours/new")
    page = staff.page
    page.get_by_role("textbox", name="Name").first.fill("Christmas market")
    monday = page.get_by_role("textbox", name="Monday, until")
    monday.fill("8")
    monday.press("Tab")
    expect(monday).to_have_value("08:00")
    page.get_by_role("button", name="Create").click()
    expect(monday).to_have_accessible_description("The end must come after the start.")
    monday.fill("2130")
    page.get_by_role("button", name="Copy Monday to the other weekdays").click()
    page.get_by_role("button", name="Add a holiday").click()
    page.get_by_role("textbox", name="Date").fill("2026-12-25")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Christmas market")).to_be_visible()
    leave_by(page, "Hours and holidays")
    expect(staff.row("Christmas market")).to_contain_text("Mon–Fri 09:00–21:30")


def test_a_webhook_shows_its_secret_once_and_its_deliveries(office: Office) -> None:
    staff = office.enter("admin", "/admin#/webhooks/new")
    page = staff.page
    page.get_by_role("textbox", name="Name").fill("Stock system")
    page.get_by_role("textbox", name="Address").fill("not an address")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name="Address")).to_have_accessible_description(re.compile("https://"))
    page.get_by_role("textbox", name="Address").fill("https://stock.example/hook")
    page.get_by_role("button", name="Create").click()
    secret = page.get_by_role("dialog", name="The webhook's secret")
    expect(secret.locator("code")).not_to_be_empty()
    secret.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("heading", level=2, name="Deliveries")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Stock system is deleted")).to_be_visible()
