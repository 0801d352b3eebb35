""" "E-mail us" in the widget: written, sent with a file, taken by the hub, acknowledged, asked about; in every look."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import FilePayload, expect

from tests.e2e.conftest import People
from tests.e2e.people import PHONE, Visitor
from tests.e2e.test_widget_look import check

FILE: FilePayload = {"name": "order.txt", "mimeType": "text/plain", "buffer": b"Order MK-42"}
OTHER: FilePayload = {"name": "other.txt", "mimeType": "text/plain", "buffer": b"Another"}


def open_form(visitor: Visitor, path: str = "/demo/") -> None:
    visitor.visit(path)
    visitor.page.get_by_role("button", name="Talk to an agent").click()
    visitor.widget.get_by_role("button", name="E-mail us").click()
    visitor.widget.get_by_role("textbox", name="How can we help?").wait_for()


def write(visitor: Visitor, text: str, email: str = "clara@berg.example") -> None:
    visitor.widget.get_by_role("textbox", name="Name").fill("Clara Berg")
    visitor.widget.get_by_role("textbox", name="E-mail").fill(email)
    visitor.widget.get_by_role("combobox", name="Topic").select_option(label="Sales")
    visitor.widget.get_by_role("textbox", name="Subject").fill("Gifts")
    visitor.widget.get_by_role("textbox", name="How can we help?").fill(text)


def sent(visitor: Visitor) -> str:
    """Sends it; its reference."""
    visitor.widget.get_by_role("button", name="Send e-mail").click()
    expect(visitor.widget.get_by_role("heading", name="We have your message")).to_be_visible()
    return visitor.widget.locator(".ref").inner_text().strip()


def test_a_mail_is_sent_acknowledged_answered_and_asked_about(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor()
    fetched: list[str] = []
    visitor.page.on("request", lambda request: fetched.append(request.url))
    visitor.visit()
    visitor.page.get_by_role("button", name="Talk to an agent").click()
    visitor.widget.get_by_role("button", name="E-mail us").wait_for()
    assert not [url for url in fetched if "locales" in url or "worker" in url], "the form is fetched when it is opened"
    visitor.widget.get_by_role("button", name="E-mail us").click()
    send = visitor.widget.get_by_role("button", name="Send e-mail")
    send.click()
    expect(visitor.widget.get_by_text("Please give us your e-mail address.")).to_be_visible()
    expect(visitor.widget.get_by_role("textbox", name="Name")).to_be_focused()
    write(visitor, "Do you pack gifts?", "clara@")
    send.click()
    expect(visitor.widget.get_by_text("An e-mail address looks like name@shop.com.")).to_be_visible()
    expect(visitor.widget.get_by_role("textbox", name="E-mail")).to_be_focused()
    visitor.widget.get_by_role("textbox", name="E-mail").fill("clara@berg.example")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.widget.get_by_role("button", name="Attach file").click()
    chooser.value.set_files([FILE, OTHER])
    visitor.widget.get_by_role("button", name="Remove other.txt").click()
    with visitor.page.expect_file_chooser() as chooser:
        visitor.widget.get_by_role("button", name="Attach file").click()
    chooser.value.set_files({"name": "run.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    expect(visitor.widget.get_by_text("We cannot take files like run.exe.")).to_be_visible()
    visitor.picture("written")
    reference = sent(visitor)
    visitor.picture("sent")
    assert re.fullmatch(r"[0-9A-Z]{8}", reference)
    assert [url for url in fetched if "work.worker" in url], "a worker does the work"
    # The acknowledgement bears the reference too, and not what was written.
    outbox = httpx.get(f"{visitor.url}/demo/outbox", trust_env=False, timeout=30).text
    assert reference in outbox and "Gifts" not in outbox
    visitor.widget.get_by_role("button", name="Status").click()
    show = visitor.widget.get_by_role("button", name="Show how it stands")
    show.click()
    expect(visitor.widget.get_by_text("It is waiting for one of us")).to_be_visible()
    visitor.picture("waiting")
    agent = people_of_own_hub.agent("agent2")
    agent.set_status("available")
    agent.accept("Clara Berg")
    expect(agent.page.get_by_text("Do you pack gifts?").first).to_be_visible()
    expect(agent.page.get_by_text("order.txt").first).to_be_visible()
    agent.picture("the-mail")
    show.click()
    expect(visitor.widget.get_by_text("One of us is working on it")).to_be_visible()
    visitor.widget.get_by_role("textbox", name="E-mail").fill("else@berg.example")
    show.click()
    expect(visitor.widget.get_by_text("We find no e-mail with this reference from this address.")).to_be_visible()
    # Nothing of it stays: the next page connects to nobody until it is asked to.
    assert visitor.troubles == [] and agent.troubles == []


def test_what_was_written_survives_the_loss_of_the_line(people_of_own_hub: People) -> None:
    visitor = people_of_own_hub.visitor()
    open_form(visitor)
    write(visitor, "Are you there?")
    visitor.page.wait_for_timeout(500)
    visitor.context.set_offline(True)
    visitor.widget.get_by_role("button", name="Send e-mail").click()
    visitor.page.wait_for_timeout(1500)
    visitor.context.set_offline(False)
    expect(visitor.widget.get_by_role("heading", name="We have your message")).to_be_visible(timeout=40_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_forms(people: People, scheme: str) -> None:
    visitor = people.visitor(color_scheme=scheme, reduced_motion="reduce")
    open_form(visitor)
    visitor.widget.get_by_role("button", name="Send e-mail").click()
    check(visitor, "e-mail with errors")
    write(visitor, "Hello")
    with visitor.page.expect_file_chooser() as chooser:
        visitor.widget.get_by_role("button", name="Attach file").click()
    chooser.value.set_files(FILE)
    check(visitor, "e-mail with a file")
    sent(visitor)
    check(visitor, "e-mail sent")
    visitor.widget.get_by_role("button", name="Status").click()
    visitor.widget.get_by_role("button", name="Show how it stands").click()
    visitor.widget.get_by_text("It is waiting for one of us").wait_for()
    check(visitor, "e-mail asked about")


@pytest.mark.parametrize(("locale", "direction"), [("zh-CN", "ltr"), ("ar", "rtl")])
def test_other_languages_on_a_phone(people: People, locale: str, direction: str) -> None:
    visitor = people.visitor(**PHONE, locale=locale)
    chosen = f"{{value: {{site: 'demo', locale: '{locale}'}}}}"
    visitor.page.add_init_script(f"Object.defineProperty(window, 'contactHub', {chosen})")
    visitor.visit()
    visitor.page.evaluate("ContactHub('email')")
    visitor.widget.locator("#f-question").wait_for()
    panel = next(frame for frame in visitor.page.frames if "/widget/panel" in frame.url)
    visitor.picture(f"form-{locale}")
    assert panel.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert panel.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [locale, direction]
    assert "mail_" not in panel.locator("body").inner_text()


def test_everything_can_be_done_from_the_keyboard(people: People) -> None:
    visitor = people.visitor()
    open_form(visitor)
    expect(visitor.widget.get_by_role("heading", name="E-mail us")).to_be_focused()
    keys = visitor.page.keyboard
    for word in ("", "Clara Berg", "clara@berg.example", "Sales", "Gifts", "By keys"):
        keys.press("Tab")
        keys.type(word)
    for _ in range(3):
        keys.press("Tab")
    expect(visitor.widget.get_by_role("button", name="Send e-mail")).to_be_focused()
    keys.press("Enter")
    expect(visitor.widget.get_by_role("heading", name="We have your message")).to_be_visible()
