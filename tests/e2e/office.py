"""Supervisors and administrators at their browsers, and what every page of theirs must keep to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.people import PASSWORD, Person
from tests.hub import DemoHub
from tests.peers import CHECKOUT

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
# What a page shows when a text is missing: the key itself.
KEY = re.compile(r"\b(admin|supervisor|callbacks|calls|records|login|form|table|common)\.[a-z_]+(\.[a-z_]+)*\b")

# Answers that are no success, which pages show in words, and a machine without a sound card.
NO_TROUBLE = ("Failed to load resource", "The AudioContext encountered an error from the audio device")


class Staff(Person):
    """Somebody who signs in at a page and works there."""

    def __init__(
        self, browser: Browser, url: str, name: str, path: str, artefacts: Path, password: str, **context: Any
    ) -> None:
        super().__init__(browser, artefacts, {"viewport": {"width": 1440, "height": 900}, **context})
        self.url = url
        self.page.on("console", self._hear)
        self.page.goto(url + path)
        sign_in(self.page, name, password)

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not any(known in message.text for known in NO_TROUBLE):
            self.troubles.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=name))

    def save(self) -> None:
        self.page.get_by_role("button", name="Save", exact=True).click()
        expect(self.page.get_by_text("Saved", exact=True)).to_be_visible()
        # The word may still stand there from the save before; only what is saved lets one leave the page.
        expect(self.page.locator(".unsaved")).to_have_count(0)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fills the sign-in page, in whichever language it is, and waits for the page behind it."""
    page.locator("#username").fill(name)
    page.locator("#password").fill(password)
    page.locator("#sign-in").click()
    page.wait_for_url(lambda url: "/login" not in url)


def accessible(page: Page) -> list[str]:
    """What axe finds wrong, a line a finding."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


def keys_shown(page: Page) -> list[str]:
    """Texts that are missing: the page shows their keys."""
    shown = page.evaluate("document.body.innerText")
    # The rights have names of this form, which stand beside their words on purpose.
    return [match.group() for match in KEY.finditer(shown) if not page.locator("code", has_text=match.group()).count()]


def wider_than_window(page: Page) -> int:
    """By how many pixels the page scrolls sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


class Office:
    """Opens browsers for staff and closes them all when the test ends."""

    def __init__(self, chromium: Browser, hub: DemoHub, artefacts: Path) -> None:
        self.hub = hub
        self._chromium, self._artefacts = chromium, artefacts
        self.people: list[Person] = []

    def enter(self, name: str, path: str, password: str = PASSWORD, **context: Any) -> Staff:
        member = Staff(self._chromium, self.hub.url, name, path, self._artefacts, password, **context)
        self.people.append(member)
        return member

    def stranger(self, **context: Any) -> Page:
        """A browser in which nobody is signed in."""
        person = Person(self._chromium, self._artefacts, context)
        self.people.append(person)
        return person.page

    def leave(self) -> None:
        for member in self.people:
            member.context.close()
        assert [trouble for member in self.people for trouble in member.troubles] == []


@pytest.fixture
def office(chromium: Browser, shared_hub: DemoHub, artefacts: Path) -> Iterator[Office]:
    """For tests that add rows of their own and leave the demo's as they are."""
    group = Office(chromium, shared_hub, artefacts)
    yield group
    group.leave()


@pytest.fixture
def own_office(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> Iterator[Office]:
    group = Office(chromium, own_hub, artefacts)
    yield group
    group.leave()
