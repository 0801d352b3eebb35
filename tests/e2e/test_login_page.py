"""The sign-in page: words for every failure, with and without a script, in both languages and schemes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.office import Office, accessible, keys_shown, office, own_office, sign_in, wider_than_window
from tests.e2e.people import PHONE

__all__ = ["office", "own_office"]


def test_each_role_comes_to_its_page(office: Office) -> None:
    for name, page in (("agent1", "/agent"), ("lead", "/supervisor"), ("admin", "/admin")):
        browser = office.stranger()
        browser.goto(f"{office.hub.url}/login")
        sign_in(browser, name)
        assert browser.url.split("#")[0].endswith(page)


def test_a_wrong_password_is_said_and_the_name_stays(office: Office) -> None:
    page = office.stranger()
    page.goto(f"{office.hub.url}/login")
    page.get_by_role("textbox", name="Username").fill("agent1")
    page.get_by_role("textbox", name="Password").fill("guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    expect(page.get_by_role("textbox", name="Username")).to_have_value("agent1")
    expect(page.get_by_role("textbox", name="Password")).to_be_focused()


def test_an_empty_field_has_words_under_it(office: Office) -> None:
    page = office.stranger()
    page.goto(f"{office.hub.url}/login")
    page.get_by_role("textbox", name="Username").fill("agent1")
    page.get_by_role("button", name="Sign in").click()
    password = page.get_by_role("textbox", name="Password")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description("Enter your password.")


def test_without_a_script_it_signs_in_too(office: Office) -> None:
    page = office.stranger(java_script_enabled=False)
    page.goto(f"{office.hub.url}/supervisor")
    page.get_by_role("textbox", name="Username").fill("lead")
    page.get_by_role("textbox", name="Password").fill("guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    expect(page.get_by_role("textbox", name="Username")).to_have_value("lead")
    page.get_by_role("textbox", name="Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{office.hub.url}/supervisor")


def test_the_way_goes_on_only_within_the_hub(office: Office) -> None:
    for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        page = office.stranger()
        page.goto(f"{office.hub.url}/login?next={wanted}")
        sign_in(page, "lead")
        assert page.url.startswith(office.hub.url)


def test_the_password_can_be_shown_and_caps_lock_is_pointed_out(office: Office) -> None:
    page = office.stranger()
    page.goto(f"{office.hub.url}/login")
    password = page.get_by_role("textbox", name="Password")
    password.fill("demo")
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "password")
    page.evaluate(
        """document.querySelector("#password").dispatchEvent(
            new KeyboardEvent("keydown", {key: "A", modifierCapsLock: true, bubbles: true}))"""
    )
    expect(page.get_by_text("Caps Lock is on.")).to_be_visible()


def test_too_many_attempts_wait_with_a_countdown(own_office: Office) -> None:
    page = own_office.stranger()
    page.goto(f"{own_office.hub.url}/login")
    button = page.get_by_role("button", name="Sign in")
    for _ in range(8):
        page.get_by_role("textbox", name="Username").fill("agent1")
        page.get_by_role("textbox", name="Password").fill("guess")
        with page.expect_response("**/login") as answer:
            button.click()
        if answer.value.status == 429:
            break
    expect(page.locator("#login-error-text")).to_have_text(re.compile(r"You can try again in \d+ s\."))
    expect(button).to_be_disabled()


def test_it_speaks_chinese_and_stays_so(office: Office) -> None:
    page = office.stranger()
    page.goto(f"{office.hub.url}/login")
    page.get_by_role("link", name="简体中文").click()
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.goto(f"{office.hub.url}/login")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    assert keys_shown(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desk", "phone"])
def test_axe_finds_nothing(office: Office, scheme: str, device: str) -> None:
    page = office.stranger(color_scheme=scheme, reduced_motion="reduce", **(PHONE if device == "phone" else {}))
    page.goto(f"{office.hub.url}/login")
    expect(page.get_by_text("All services work")).to_be_visible()
    assert accessible(page) == []
    assert wider_than_window(page) <= 0
    office.people[-1].picture(f"login-{device}-{scheme}")
