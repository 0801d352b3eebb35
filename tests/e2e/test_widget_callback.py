""" "Call me back" in the widget: for now and for a time, changed, cancelled, refused, from a chat; in every look."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import People
from tests.e2e.people import PHONE, Visitor
from tests.e2e.test_widget_look import check
from tests.hub import DemoHub
from tests.peers import require

ALWAYS = 'hours = "00:00-24:00"\ndays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\nper_address = 1000\n'


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    require("node")
    started = DemoHub(tmp_path_factory.mktemp("callbacks"), f"[callbacks]\nenabled = true\n{ALWAYS}").start()
    yield started
    assert started.stop() == 0, started.log.read_text()


@pytest.fixture
def folk(chromium: Browser, hub: DemoHub, artefacts: Path) -> Iterator[People]:
    group = People(chromium, hub, artefacts)
    yield group
    group.leave()


def open_form(visitor: Visitor) -> None:
    visitor.visit()
    visitor.open_widget()
    visitor.widget.get_by_role("button", name="Call me back").click()
    expect(country(visitor)).to_be_enabled()


def country(visitor: Visitor) -> Locator:
    return visitor.widget.locator(".tel button")


def number(visitor: Visitor) -> Locator:
    return visitor.widget.locator("#f-phone")


def choose(visitor: Visitor, name: str) -> None:
    country(visitor).click()
    visitor.widget.get_by_role("dialog", name="Choose your country").get_by_role("button", name=name).click()


def request(visitor: Visitor) -> None:
    visitor.widget.get_by_role("button", name="Request callback").click()


def a_time(visitor: Visitor, place: int) -> str:
    """Chooses one of the times of the second day."""
    visitor.widget.get_by_role("group", name="Day").get_by_role("button").nth(1).click()
    time = visitor.widget.get_by_role("group", name="Time").get_by_role("button").nth(place)
    time.click()
    expect(time).to_have_attribute("aria-pressed", "true")
    return time.inner_text()


def test_a_call_now_is_asked_for_seen_and_cancelled(folk: People) -> None:
    visitor = folk.visitor(locale="en-GB")
    fetched: list[str] = []
    visitor.page.on("request", lambda request: fetched.append(request.url))
    visitor.visit()
    visitor.open_widget()
    assert not [url for url in fetched if "locales" in url or "worker" in url], "the form is fetched when it is opened"
    visitor.page.evaluate("ContactHub('callback')")
    expect(country(visitor)).to_be_enabled()
    expect(visitor.widget.get_by_role("radio", name="As soon as possible")).to_be_checked()
    request(visitor)
    expect(visitor.widget.get_by_text("Please tell us which number to ring.")).to_be_visible()
    expect(number(visitor)).to_be_focused()
    choose(visitor, "United States")
    number(visitor).fill("212 555 01")
    request(visitor)
    expect(visitor.widget.get_by_text("This number is 2 digits short.")).to_be_visible()
    # What can never be called is said while it is typed.
    number(visitor).fill("+1 900 555 0123")
    expect(visitor.widget.get_by_text("We cannot ring premium-rate numbers.")).to_be_visible()
    request(visitor)
    expect(number(visitor)).to_be_focused()
    number(visitor).fill("+49 30 5551001")
    expect(country(visitor)).to_have_accessible_name("Country: Germany, +49")
    expect(visitor.widget.get_by_text("+49 30 5551001", exact=True)).to_be_visible()
    visitor.widget.get_by_role("textbox", name="Name").fill("Clara Berg")
    visitor.picture("typed")
    visitor.widget.get_by_role("button", name="Request callback").dblclick()
    heading = visitor.widget.get_by_role("heading", level=3)
    expect(heading).to_have_text(re.compile("^(We will ring you as soon as|We will ring you from|You are )"))
    assert re.fullmatch(r"[0-9A-Z]{8}", visitor.widget.locator(".ref").inner_text().strip())
    visitor.picture("asked")
    # The next page has it, and so has another window.
    visitor.page.reload()
    visitor.open_widget()
    visitor.widget.get_by_role("button", name="Your callback").click()
    expect(visitor.widget.get_by_text("+49 30 5551001")).to_be_visible()
    visitor.widget.get_by_role("button", name="Cancel it").click()
    sure = visitor.widget.get_by_role("dialog", name="Cancel this callback?")
    sure.get_by_role("button", name="Keep it").click()
    visitor.widget.get_by_role("button", name="Cancel it").click()
    sure.get_by_role("button", name="Cancel it").click()
    expect(visitor.widget.get_by_role("heading", name="Your callback is cancelled")).to_be_visible()
    visitor.widget.get_by_role("button", name="Done").click()
    expect(visitor.widget.get_by_role("button", name="Your callback")).to_have_count(0)
    assert visitor.troubles == []


def test_a_time_is_chosen_told_by_mail_and_changed_by_its_link(folk: People) -> None:
    visitor = folk.visitor(locale="en-GB", timezone_id="Europe/Berlin")
    open_form(visitor)
    choose(visitor, "Germany")
    number(visitor).fill("030 5552001")
    visitor.widget.get_by_role("radio", name="At a time I choose").check()
    request(visitor)
    expect(visitor.widget.get_by_text("Please choose a time.")).to_be_visible()
    first = a_time(visitor, 2)
    expect(visitor.widget.get_by_text("Times are in Central European")).to_be_visible()
    visitor.widget.get_by_role("textbox", name="E-mail").fill("clara@berg.example")
    request(visitor)
    expect(visitor.widget.get_by_role("heading", name=f"between {first} and")).to_be_visible()
    expect(visitor.widget.get_by_text("We send these lines to clara@berg.example as well.")).to_be_visible()
    with visitor.page.expect_download() as download:
        visitor.widget.get_by_role("button", name="Add to my calendar").click()
    assert "BEGIN:VEVENT" in download.value.path().read_text()
    reference = visitor.widget.locator(".ref").inner_text().strip()
    link = link_in_mail(visitor, reference)
    # By the link from anywhere, in a window of its own.
    reader = folk.visitor(locale="en-GB", timezone_id="Europe/Berlin")
    reader.page.goto(link)
    expect(reader.page.get_by_role("heading", name=f"between {first} and")).to_be_visible()
    assert "#" not in reader.page.url, "the secret is not left in the address"
    reader.picture("by-link")
    reader.page.get_by_role("button", name="Change time").click()
    reader.page.get_by_role("group", name="Time").get_by_role("button").nth(6).click()
    second = reader.page.get_by_role("group", name="Time").get_by_role("button").nth(6).inner_text()
    reader.page.get_by_role("button", name="Save this time").click()
    expect(reader.page.get_by_role("heading", name=f"between {second} and")).to_be_visible()
    # The first window hears of it.
    expect(visitor.widget.get_by_role("heading", name=f"between {second} and")).to_be_visible()
    visitor.widget.get_by_role("button", name="Cancel it").click()
    visitor.widget.get_by_role("dialog").get_by_role("button", name="Cancel it").last.click()
    expect(reader.page.get_by_role("heading", name="Your callback is cancelled")).to_be_visible()
    assert visitor.troubles == [] and reader.troubles == []


def link_in_mail(visitor: Visitor, reference: str) -> str:
    """From the mail that the demo shows as sent."""
    while True:
        page = html.unescape(httpx.get(f"{visitor.url}/demo/outbox", trust_env=False, timeout=30).text)
        found = re.search(rf"http://\S+/widget/panel\?site=demo&locale=en#callback={reference}\.[0-9a-z.]+", page)
        if found:
            return found[0]
        visitor.page.wait_for_timeout(200)


def test_who_waits_in_a_chat_is_called_back_instead(folk: People) -> None:
    visitor = folk.visitor()
    visitor.visit()
    visitor.start_chat("Clara Berg", "Billing", "How long is the guarantee?")
    visitor.widget.get_by_role("button", name="Keep my place: call me back instead").click()
    number(visitor).fill("+49 30 5553001")
    visitor.widget.get_by_role("radio", name="At a time I choose").check()
    a_time(visitor, 1)
    request(visitor)
    expect(visitor.widget.get_by_role("heading", name="We will ring you")).to_be_visible()
    visitor.widget.get_by_role("button", name="Cancel it").click()
    visitor.widget.get_by_role("dialog").get_by_role("button", name="Cancel it").last.click()
    expect(visitor.widget.get_by_role("heading", name="Your callback is cancelled")).to_be_visible()
    assert visitor.troubles == []


LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("light", {"color_scheme": "light"}),
    ("dark", {"color_scheme": "dark"}),
    ("phone", PHONE),
    ("zh-CN", {"locale": "zh-CN"}),
    ("ar", {"locale": "ar"}),
]


@pytest.mark.parametrize("look", [name for name, _ in LOOKS])
def test_axe_finds_nothing_in_the_views(folk: People, look: str) -> None:
    words = look if look in ("zh-CN", "ar") else "en"
    visitor = folk.visitor(**(dict(LOOKS)[look] | {"reduced_motion": "reduce"}))
    if words != "en":
        own = f"{{ value: {{ site: 'demo', locale: '{words}' }} }}"
        visitor.page.add_init_script(f"Object.defineProperty(window, 'contactHub', {own})")
    visitor.visit()
    visitor.page.evaluate("ContactHub('callback')")
    expect(country(visitor)).to_be_enabled()
    number(visitor).fill("+1 900 555 0123")
    number(visitor).blur()
    expect(visitor.widget.locator("#f-phone-error")).to_be_visible()
    visitor.widget.locator("input[name=when]").nth(1).check()
    visitor.widget.locator(".slots button").first.wait_for()
    expect(visitor.widget.locator("html")).to_have_attribute("lang", words)
    check(visitor, "callback with an error and times")
    country(visitor).click()
    visitor.widget.locator("dialog .choices button").first.wait_for()
    check(visitor, "country")
    visitor.page.keyboard.press("Escape")
    number(visitor).fill(f"+49 30 555400{[name for name, _ in LOOKS].index(look)}")
    visitor.widget.locator(".days button").nth(1).click()
    visitor.widget.locator(".slots button:enabled").nth(20).click()
    visitor.widget.locator("form .btn").last.click()
    visitor.widget.locator(".ref").wait_for()
    check(visitor, "callback asked for")
    visitor.widget.locator("footer .btn").nth(1).click()
    visitor.widget.locator(".slots button").first.wait_for()
    check(visitor, "another time")
    visitor.widget.locator("header button").first.click()
    visitor.widget.locator("footer .btn").first.click()
    visitor.widget.locator("dialog .btn").first.wait_for()
    check(visitor, "cancel")
    visitor.widget.locator("dialog .btn").nth(1).click()
    visitor.widget.locator("dialog").wait_for(state="detached")
    check(visitor, "cancelled")
