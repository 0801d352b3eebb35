"""A site's settings: seen in the preview at once, and by visitors after saving."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import expect

from tests.e2e.office import Office, own_office
from widget.palette import palette

__all__ = ["own_office"]


def test_the_preview_follows_the_form_and_visitors_follow_what_is_saved(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/sites/demo")
    page = staff.page
    preview = page.get_by_role("complementary", name="Preview")
    page.get_by_role("textbox", name="Colour", exact=True).fill("#6d3fc0")
    expect(preview.locator(".p-launcher")).to_have_css("background-color", "rgb(109, 63, 192)")
    # A colour on which nobody could read is shown in the shade that visitors get.
    page.get_by_role("textbox", name="Colour", exact=True).fill("#f5d90a")
    expect(preview.get_by_text("hard to read")).to_contain_text(palette("#f5d90a")["light"]["accent"])
    preview.get_by_role("button", name="Dark").click()
    faint = palette("#f5d90a")["dark"]
    expect(preview.get_by_role("img")).to_have_accessible_name(re.compile(faint["accent"]))
    preview.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="#6d3fc0").click()
    page.get_by_role("combobox", name="Corner").select_option(label="Left (where the line begins)")
    words = page.get_by_role("textbox", name="Words on the button in English")
    words.fill("Ask the potters")
    expect(preview.locator(".p-launcher")).to_have_text("Ask the potters")
    staff.picture("preview")
    staff.save()

    site = httpx.get(f"{own_office.hub.url}/widget/sites/demo", trust_env=False).json()
    assert site["theme"]["accent"] == "#6d3fc0"
    assert site["theme"]["position"] == "start"
    assert site["theme"]["launcher"]["en"] == "Ask the potters"


def test_a_wrong_origin_is_said_at_its_line(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/sites/demo")
    page = staff.page
    page.get_by_role("button", name="Add an origin").click()
    line = page.get_by_role("textbox", name="Allowed origins").last
    expect(line).to_be_focused()
    line.fill("www.example.com/shop")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(line).to_have_accessible_description(re.compile("without a path"))
    line.fill("https://www.example.com")
    staff.save()


def test_the_identity_secret_is_shown_once(own_office: Office) -> None:
    staff = own_office.enter("admin", "/admin#/sites/demo")
    page = staff.page
    page.get_by_role("button", name="Identity secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a new secret").click()
    shown = page.get_by_role("dialog", name="Your new identity secret")
    assert re.fullmatch(r"[0-9a-f]{64}", shown.locator("code").inner_text())
    shown.get_by_role("button", name="I have kept it").click()
    page.reload()
    expect(page.get_by_text("widget.js").first).to_be_visible()
    assert not re.search(r"\b[0-9a-f]{64}\b", page.content())
