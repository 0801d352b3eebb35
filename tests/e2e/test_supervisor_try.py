"""Supervisors try routing out at the wallboard; agents have no way to it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.office import Office, accessible, keys_shown, office, own_office, wider_than_window

__all__ = ["office", "own_office"]


def test_a_supervisor_asks_who_would_get_a_contact(own_office: Office) -> None:
    nadia = own_office.enter("agent1", "/agent").page
    nadia.get_by_role("combobox", name="Status").click()
    nadia.get_by_role("option", name="Available").first.click()
    expect(nadia.get_by_role("combobox", name="Status")).to_contain_text("Available")

    staff = own_office.enter("lead", "/supervisor")
    page = staff.page
    page.get_by_role("button", name="Try routing").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Try routing")
    expect(dialog.get_by_role("combobox", name="Channel")).to_be_focused()
    dialog.get_by_role("button", name="Try it").click()
    queue = dialog.get_by_role("combobox", name="Queue")
    expect(queue).to_be_focused()
    expect(queue).to_have_accessible_description("This is needed.")
    queue.select_option(label="Support")
    page.keyboard.press("Tab")
    dialog.get_by_role("button", name="Try it").press("Enter")
    answer = dialog.get_by_role("region", name="It would wait in Support")
    expect(answer.get_by_role("heading", level=2)).to_be_focused()
    expect(answer).to_contain_text("Support ≥ 3")
    first = answer.get_by_role("table").get_by_role("row").nth(1)
    expect(first).to_contain_text("Nadia Berg")
    expect(first).to_contain_text("Would be asked first")
    staff.picture("answer")
    assert accessible(page) == []
    dialog.get_by_role("combobox", name="It comes").select_option(label="from a site's topic")
    dialog.get_by_role("combobox", name="Site").select_option(label="Moss & Kiln")
    dialog.get_by_role("combobox", name="Topic").select_option(label="Billing")
    dialog.get_by_role("button", name="Try it").click()
    expect(dialog.get_by_role("heading", name="It would wait in Billing")).to_be_focused()
    staff.picture("by-site")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Try routing")).to_be_focused()
    # Nothing was made.
    expect(page.get_by_role("row").filter(has_text=re.compile("^Support")).get_by_role("cell").first).to_have_text("0")


def test_an_agent_has_no_way_to_it(office: Office) -> None:
    page = office.enter("agent2", "/agent").page
    expect(page.get_by_role("combobox", name="Status")).to_be_visible()
    expect(page.get_by_role("link", name="Wallboard")).to_have_count(0)
    for path in ("/supervisor", "/admin#/try"):
        answer = page.goto(office.hub.url + path)
        assert answer is not None and answer.status == 403
    told = page.evaluate("""async () => (await fetch("/api/v1/routing/choices")).status""")
    assert told == 403


def test_it_looks_right_in_the_dark_narrow_and_in_chinese(office: Office) -> None:
    staff = office.enter("lead", "/supervisor", color_scheme="dark", viewport={"width": 390, "height": 844})
    page = staff.page
    for name, locale, title, go in (("dark", "en", "Try routing", "Try it"), ("chinese", "zh-CN", "试算分配", "试算")):
        page.evaluate(
            """async (locale) => {
              const csrf = document.querySelector('meta[name=csrf]').content;
              const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
              await fetch("/api/v1/me", { method: "PATCH", headers, body: JSON.stringify({ locale }) });
            }""",
            locale,
        )
        page.reload()
        page.get_by_role("button", name=title).click()
        dialog = page.get_by_role("dialog", name=title)
        dialog.get_by_role("combobox").nth(2).select_option(value="support")
        staff.picture(f"{name}-form")
        dialog.get_by_role("button", name=go, exact=True).click()
        expect(dialog.get_by_role("table")).to_be_visible()
        staff.picture(f"{name}-answer")
        assert accessible(page) == []
        assert keys_shown(page) == []
        assert wider_than_window(page) == 0
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
    staff.picture("chinese-desk")
    assert accessible(page) == []
    page.evaluate(
        """async () => {
          const csrf = document.querySelector('meta[name=csrf]').content;
          const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
          await fetch("/api/v1/me", { method: "PATCH", headers, body: JSON.stringify({ locale: "en" }) });
        }"""
    )
