"""A visitor and an agent at their browsers, with the words that a person would use for what they do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, FrameLocator, Locator, Page, expect

PASSWORD = "demo"
ENGLISH = {
    "username": "Username",
    "password": "Password",
    "sign_in": "Sign in",
    "status": "Status",
    "conversation": "Conversation",
    "accept": "Accept",
    "reply": "Reply",
    "send": "Send",
    "available": "Available",
    "away": "Away",
}
CHINESE = {
    "username": "用户名",
    "password": "密码",
    "sign_in": "登录",
    "status": "状态",
    "conversation": "对话",
    "accept": "接受",
    "reply": "回复",
    "send": "发送",
    "available": "空闲",
    "away": "离开",
}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


def until(page: Page, expression: str) -> None:
    """Waits until an expression is true in the page; Playwright's own way needs the eval that our policies forbid."""
    deadline = time.monotonic() + 15
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"{expression} never came true"
        page.wait_for_timeout(50)


class Person:
    """Keeps the page's errors: `troubles` must be empty at the end of a test."""

    def __init__(self, browser: Browser, artefacts: Path, context: dict[str, Any]) -> None:
        script = context.pop("script", None)  # runs in each page before the page's own
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 820}, **context})
        if script is not None:
            self.context.add_init_script(script)
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self._artefacts = artefacts
        self._pictures = 0

    def picture(self, name: str) -> None:
        """Keeps a screenshot as an artefact of the test run."""
        self._pictures += 1
        who = type(self).__name__.lower()
        self.page.screenshot(path=self._artefacts / f"{who}-{self._pictures:02d}-{name}.png")


class Visitor(Person):
    def __init__(self, browser: Browser, url: str, artefacts: Path, context: dict[str, Any]) -> None:
        super().__init__(browser, artefacts, context)
        self.url = url

    @property
    def widget(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    @property
    def log(self) -> Locator:
        return self.widget.get_by_role("log", name="Conversation")

    def visit(self, path: str = "/demo/") -> None:
        self.page.goto(self.url + path)

    def open_widget(self) -> None:
        self.page.get_by_role("button", name="Talk to an agent").click()
        self.widget.get_by_role("button", name="Chat").wait_for()

    def start_chat(self, name: str, topic: str, text: str, email: str = "clara@berg.example") -> None:
        self.open_widget()
        self.widget.get_by_role("button", name="Chat").click()
        self.widget.get_by_role("textbox", name="Name").fill(name)
        self.widget.get_by_role("textbox", name="E-mail").fill(email)
        self.widget.get_by_role("combobox", name="Topic").select_option(label=topic)
        self.widget.get_by_role("textbox", name="How can we help?").fill(text)
        self.widget.get_by_role("button", name="Start chat").click()

    def say(self, text: str) -> None:
        self.widget.get_by_role("textbox", name="Message").fill(text)
        self.widget.get_by_role("button", name="Send", exact=True).click()

    def sees(self, text: str) -> None:
        expect(self.log.get_by_text(text, exact=True)).to_be_visible()


class Agent(Person):
    def __init__(self, browser: Browser, url: str, name: str, artefacts: Path, context: dict[str, Any]) -> None:
        super().__init__(browser, artefacts, {"viewport": {"width": 1440, "height": 900}, **context})
        self.url = url
        chinese = context.get("locale") == "zh-CN"
        self.words = CHINESE if chinese else ENGLISH
        self.page.goto(f"{url}/agent")
        self.page.get_by_role("textbox", name=self.words["username"]).fill(name)
        self.page.get_by_role("textbox", name=self.words["password"], exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name=self.words["sign_in"]).click()
        self.page.wait_for_url("**/agent")
        # On a hub that others used before, the agent may have another language by now.
        locale = "zh-CN" if chinese else "en"
        if self.page.evaluate("document.documentElement.lang") != locale:
            self.speak(locale)
        try:
            self.status.wait_for()
        except Error as error:
            self.picture("no-desktop")
            seen = self.page.locator("body").inner_text()
            raise AssertionError(f"no desktop but {seen!r}, troubles {self.troubles}") from error

    def speak(self, locale: str) -> None:
        """Chooses the desktop's language, as the settings do."""
        self.page.evaluate(
            """async (locale) => {
              const csrf = document.querySelector('meta[name=csrf]').content;
              const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
              const answer = await fetch("/api/v1/me", { method: "PATCH", headers, body: JSON.stringify({ locale }) });
              if (!answer.ok) throw new Error(await answer.text());
            }""",
            locale,
        )
        self.page.reload()

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("combobox", name=self.words["status"])

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name=self.words["conversation"])

    @property
    def offer(self) -> Locator:
        return self.page.get_by_role("alertdialog")

    def set_status(self, status: str) -> None:
        """`status` is "available" or "away"."""
        self.status.click()
        self.page.get_by_role("option", name=self.words[status]).first.click()

    def accept(self, customer: str) -> None:
        offer = self.page.get_by_role("alertdialog", name=customer)
        offer.get_by_role("button", name=self.words["accept"]).click()
        # The conversation may stand there before the contact is his; he can write in it when it is.
        self.page.get_by_role("textbox", name=self.words["reply"]).wait_for()

    def say(self, text: str) -> None:
        self.page.get_by_role("textbox", name=self.words["reply"]).fill(text)
        self.page.get_by_role("button", name=self.words["send"], exact=True).click()

    def sees(self, text: str) -> None:
        expect(self.log.get_by_text(text, exact=True)).to_be_visible()

    def leave(self) -> None:
        """Ends what he still holds and goes offline, so that the next test's contacts are not offered to him."""
        self.context.close()
