"""Every page of the administration: clean under axe, complete in both languages, usable on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.office import Office, Staff, accessible, keys_shown, office, wider_than_window
from tests.e2e.people import PHONE

__all__ = ["office"]

LISTS = ["users", "queues", "skills", "hours", "sites", "canned", "outcomes", "reasons", "webhooks", "tokens"]
FORMS = [f"{name}/new" for name in LISTS]
OTHERS = ["roles", "audit", "system", "queues/support", "sites/demo", "hours/office"]


def look_at(staff: Staff, language: str, pages: list[str]) -> None:
    for page in pages:
        staff.open(f"/admin#/{page}")
        staff.page.reload()
        expect(staff.page.get_by_role("heading", level=1)).to_be_visible()
        expect(staff.page.get_by_role("heading", level=1)).not_to_be_empty()
        expect(staff.page.locator(".list-skeleton")).to_have_count(0)
        assert accessible(staff.page) == [], page
        assert keys_shown(staff.page) == [], page
        assert wider_than_window(staff.page) <= 0, page
        staff.picture(f"{language}-{page.replace('/', '-')}")


def test_every_page_at_a_desk(office: Office) -> None:
    look_at(office.enter("admin", "/admin", reduced_motion="reduce"), "en", LISTS + OTHERS + FORMS)


def test_every_page_on_a_phone_in_the_dark(office: Office) -> None:
    staff = office.enter("admin", "/admin", reduced_motion="reduce", color_scheme="dark", **PHONE)
    look_at(staff, "phone", LISTS + OTHERS)


def test_every_page_in_chinese(office: Office) -> None:
    staff = office.enter("admin", "/admin", reduced_motion="reduce")
    try:
        staff.page.get_by_role("button", name="your account").click()
        staff.page.get_by_role("menuitemradio", name="简体中文").click()
        expect(staff.page.get_by_role("navigation", name="栏目")).to_be_visible()
        look_at(staff, "zh", OTHERS + FORMS)
    finally:
        staff.page.evaluate(
            """fetch("/api/v1/me", {method: "PATCH", body: JSON.stringify({locale: "en"}), headers: {
                "Content-Type": "application/json",
                "X-CSRF-Token": document.querySelector("meta[name=csrf]").content}})"""
        )


@pytest.mark.parametrize("name", ["agent1", "lead"])
def test_a_role_too_low_is_told_so(office: Office, name: str) -> None:
    staff = office.enter(name, "/agent")
    staff.open("/admin")
    expect(staff.page.get_by_role("heading", level=1)).to_be_visible()
    expect(staff.page.get_by_role("navigation", name="Sections")).to_have_count(0)


def test_a_link_to_nowhere_says_so(office: Office) -> None:
    staff = office.enter("admin", "/admin#/queues/no-such-queue")
    expect(staff.page.get_by_role("alert")).to_contain_text("This is not there any more")
    staff.page.get_by_role("link", name="Back to the list").click()
    expect(staff.page.get_by_role("table", name="Queues")).to_be_visible()


def test_the_roles_are_the_hubs_own(office: Office) -> None:
    staff = office.enter("admin", "/admin#/roles")
    row = staff.row("Manage users")
    expect(row.get_by_role("cell").nth(0)).to_have_text("No")
    expect(row.get_by_role("cell").nth(2).get_by_role("img", name="Yes")).to_be_visible()


def test_the_system_page_names_its_readers(office: Office) -> None:
    staff = office.enter("admin", "/admin#/system")
    expect(staff.page.get_by_role("status").filter(has_text="Everything works")).to_be_visible()
    expect(staff.row("dispatcher").get_by_text("Works")).to_be_visible()
