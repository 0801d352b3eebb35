"""Users and tokens through the pages, proved by what they can do afterwards."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect

from tests.e2e.office import Office, office, sign_in

__all__ = ["office"]


def test_a_new_user_signs_in_changes_role_and_is_disabled(office: Office) -> None:
    admin = office.enter("admin", "/admin#/users/new")
    page = admin.page
    page.get_by_role("textbox", name="Name", exact=True).fill("Tomas Weber")
    page.get_by_role("textbox", name="Username").fill("agent1")
    page.get_by_role("textbox", name="Password").fill("x")
    page.get_by_role("combobox", name="Add a skill").select_option(label="Billing")
    page.get_by_role("button", name="Create").click()
    # A password that is too weak, then a name that is taken: both at their field.
    expect(page.get_by_role("textbox", name="Password")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name="Password").fill("clay and fire")
    page.get_by_role("button", name="Create").click()
    username = page.get_by_role("textbox", name="Username")
    expect(username).to_have_accessible_description("Another user has this name.")
    username.fill("tomas")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="Tomas Weber")).to_be_visible()

    tomas = office.enter("tomas", "/agent", password="clay and fire")
    expect(tomas.page.get_by_role("combobox", name="Status")).to_be_visible()

    page.get_by_role("button", name="Password").click()
    page.get_by_role("dialog").get_by_role("textbox", name="New password").fill("earth and water")
    page.get_by_role("dialog").get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Tomas Weber has a new password")).to_be_visible()
    # The open browser is signed out at once.
    expect(tomas.page).to_have_url(f"{office.hub.url}/login?next=%2Fagent&reason=signed_out", timeout=10_000)
    sign_in(tomas.page, "tomas", "earth and water")

    page.reload()
    page.get_by_role("combobox", name="Role").select_option(label="Supervisor")
    admin.save()
    again = office.enter("tomas", "/supervisor", password="earth and water")
    expect(again.page.get_by_role("table", name="Queues")).to_be_visible()

    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Tomas Weber is disabled")).to_be_visible()
    expect(admin.row("Tomas Weber")).to_contain_text("Disabled")
    stranger = office.stranger()
    stranger.goto(f"{office.hub.url}/login")
    stranger.get_by_role("textbox", name="Username").fill("tomas")
    stranger.get_by_role("textbox", name="Password").fill("earth and water")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_contain_text("do not match")


def test_the_last_administrator_stays(office: Office) -> None:
    admin = office.enter("admin", "/admin#/users")
    page = admin.page
    page.get_by_role("link", name="Alex Romero").click()
    page.get_by_role("combobox", name="Role").select_option(label="Agent")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This is the last administrator")


def test_a_token_works_until_it_is_ended(office: Office) -> None:
    admin = office.enter("admin", "/admin#/tokens/new")
    page = admin.page
    page.get_by_role("textbox", name="What it is for").fill("Nightly report")
    page.get_by_role("combobox", name="Acts as").select_option(label="Alex Romero")
    page.get_by_role("button", name="Create").click()
    shown = page.get_by_role("dialog", name="Your new token")
    token = shown.locator("code").inner_text()
    shown.get_by_role("button", name="I have kept it").click()

    def status() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{office.hub.url}/api/v1/queues", headers=headers, trust_env=False).status_code

    assert status() == 200
    expect(admin.row("Nightly report")).to_contain_text("Alex Romero")
    page.get_by_role("button", name="End Nightly report").click()
    page.get_by_role("dialog").get_by_role("button", name="End token").click()
    expect(page.get_by_text("Nightly report is ended")).to_be_visible()
    assert status() == 401
