"""An agent who talks on a phone of their own: set up in the desktop, rung by offers, controlled from the desktop."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import People
from tests.e2e.office import Office
from tests.e2e.people import Agent
from tests.e2e.test_desktop_phone import SIZES, looks_right
from tests.e2e.voices import Speak, speaking, telephone
from tests.hub import DemoHub
from tests.integration.sip.certificates import Authority

__all__ = ["speaking"]  # a fixture

PROCESS = Path(__file__).parents[1] / "integration" / "voice" / "baresip_phone.py"

pytest.importorskip("baresip", reason="baresip-python has no wheel for this machine")


class OwnPhone:
    """A baresip process, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.strip())

    def until(self, page: Page, words: str) -> None:
        """Waits, while the page goes on; what was said before counts no more."""
        while words not in self.said:
            assert self.process.poll() is None, self.said
            page.wait_for_timeout(50)
        self.said = self.said[self.said.index(words) + 1 :]

    def do(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()


@contextmanager
def own_phone(hub: DemoHub, username: str, password: str, folder: Path) -> Iterator[OwnPhone]:
    command = [sys.executable, str(PROCESS), username, password, f"127.0.0.1:{hub.sip_port}", "tcp"]
    process = subprocess.Popen(
        [*command, str(Authority(folder).path), ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield OwnPhone(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.close()


def open_settings(agent: Agent, settings: str = "Settings", button: str = "Set up") -> None:
    agent.page.get_by_role("button", name=settings).click()
    agent.page.get_by_role("dialog").get_by_role("button", name=button).click()


def made_account(agent: Agent) -> tuple[str, str]:
    """By the dialog, as a new user does it: user name and password."""
    page = agent.page
    open_settings(agent)
    dialog = page.get_by_role("dialog", name="Sound devices")
    expect(dialog.get_by_role("radio", name="My phone")).to_be_disabled()
    dialog.get_by_role("button", name="Make an account").click()
    expect(dialog.get_by_text("shown this once")).to_be_visible()
    values = dialog.locator(".telephone-values code").all_inner_texts()
    return values[0], values[1]


def test_set_up_and_handled_at_the_phone(people_of_own_hub: People, own_hub: DemoHub, tmp_path: Path) -> None:
    agent = people_of_own_hub.agent("agent1")
    page = agent.page
    username, password = made_account(agent)
    dialog = page.get_by_role("dialog", name="Sound devices")
    dialog.get_by_role("radio", name="My phone").check()
    expect(dialog.get_by_text("Your phone is not registered")).to_be_visible()
    looks_right(agent, "account-made")
    with own_phone(own_hub, username, password, tmp_path) as phone:
        phone.until(page, "registered")
        expect(dialog.get_by_text("Registered", exact=False).first).to_be_visible()
        expect(dialog.get_by_text("Your phone is not registered")).to_have_count(0)
        dialog.get_by_role("button", name="Done").click()
        open_settings(agent)
        expect(dialog.get_by_text("Registered from 127.0.0.1 by TCP")).to_be_visible()
        expect(dialog.get_by_text(password)).to_have_count(0)
        looks_right(agent, "registered")
        dialog.get_by_role("button", name="Done").click()

        agent.set_status("available")
        with telephone(own_hub, tmp_path):
            offer = page.get_by_role("alertdialog", name="Incoming call from")
            expect(offer.get_by_text("Your phone is ringing")).to_be_visible()
            looks_right(agent, "offer")
            phone.until(page, "ringing")
            phone.do("answer")
            page.locator(".row").first.click()
            page.locator(".call.active").wait_for()
            expect(page.get_by_text("On your phone")).to_be_visible()
            expect(page.get_by_role("button", name="Mute")).to_have_count(0)
            phone.until(page, "hears 700")  # the caller says what it hears
            looks_right(agent, "active")
            page.get_by_role("button", name="Hold").click()
            page.locator(".call.held").wait_for()
            phone.until(page, "hears 0")
            page.get_by_role("button", name="Resume").click()
            page.locator(".call.active").wait_for()
            phone.until(page, "hears 700")
            phone.do("hold")
            page.locator(".call.held").wait_for()
            phone.do("resume")
            page.locator(".call.active").wait_for()
            for size, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                looks_right(agent, f"active-{size}")
            page.set_viewport_size({"width": 1440, "height": 900})
            page.get_by_role("button", name="Hang up").click()
            phone.until(page, "ended")
            page.get_by_role("region", name="Wrap-up").wait_for()
    assert agent.troubles == []


def test_a_phone_that_refuses_and_one_that_is_gone(
    speaking: Speak, own_hub: DemoHub, artefacts: Path, tmp_path: Path
) -> None:
    agent = speaking(440).agent("agent1", color_scheme="dark")
    page = agent.page
    username, password = made_account(agent)
    dialog = page.get_by_role("dialog", name="Sound devices")
    dialog.get_by_role("radio", name="My phone").check()
    with own_phone(own_hub, username, password, tmp_path) as phone:
        phone.until(page, "registered")
        expect(dialog.get_by_text("Your phone is not registered")).to_have_count(0)
        looks_right(agent, "registered-dark")
        dialog.get_by_role("button", name="Done").click()
        agent.set_status("available")
        with telephone(own_hub, tmp_path):
            page.get_by_role("alertdialog", name="Incoming call from").get_by_role("button", name="Accept").click()
            expect(page.get_by_text("Ringing your phone").first).to_be_visible()
            looks_right(agent, "ringing")
            phone.until(page, "ringing")
            phone.do("reject")
            expect(page.get_by_text("You declined at your phone")).to_be_visible()
            looks_right(agent, "declined")
            # The call is not lost: it goes on in the browser, then at the phone, and in the browser again.
            page.get_by_role("button", name="Talk in this browser").click()
            page.locator(".call.active").wait_for()
            page.get_by_role("button", name="Move to my phone").click()
            phone.until(page, "ringing")
            phone.do("answer")
            phone.until(page, "hears 700")
            expect(page.get_by_text("On your phone")).to_be_visible()
            page.get_by_role("button", name="Talk in this browser").click()
            phone.until(page, "ended")
            page.get_by_role("button", name="Mute").wait_for()
            page.locator(".call.active").wait_for()
            page.get_by_role("button", name="Hang up").click()
            page.get_by_role("region", name="Wrap-up").wait_for()


def test_in_chinese_and_narrow(people_of_own_hub: People) -> None:
    agent = people_of_own_hub.agent("agent1", locale="zh-CN", viewport={"width": 390, "height": 844})
    page = agent.page
    open_settings(agent, "设置", "设置")
    dialog = page.get_by_role("dialog", name="声音设备")
    dialog.get_by_role("button", name="创建账号").click()
    expect(dialog.get_by_text("密码只显示这一次")).to_be_visible()
    dialog.get_by_role("radio", name="我的话机").check()
    expect(dialog.get_by_text("您的话机未注册")).to_be_visible()
    looks_right(agent, "account")
    dialog.get_by_role("button", name="移除").click()
    page.get_by_role("dialog", name="要移除话机的账号吗").get_by_role("button", name="移除").click()
    expect(dialog.get_by_role("radio", name="我的话机")).to_be_disabled()


def test_an_administrator_makes_and_removes_it(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> None:
    office = Office(chromium, own_hub, artefacts)
    admin = office.enter("admin", "/admin#/users")
    page = admin.page
    admin.row("Nadia Berg").click()
    page.get_by_role("button", name="Phone", exact=True).click()
    dialog = page.get_by_role("dialog", name="Phone of")
    dialog.get_by_role("button", name="Make an account").click()
    expect(dialog.get_by_text("shown this once")).to_be_visible()
    admin.picture("admin-account")
    dialog.get_by_role("button", name="New password").click()
    page.get_by_role("dialog", name="Make a new password?").get_by_role("button", name="New password").click()
    expect(dialog.get_by_text("shown this once")).to_be_visible()
    dialog.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog", name="Remove the phone's account?").get_by_role("button", name="Remove").click()
    expect(dialog.get_by_text("No account yet")).to_be_visible()
    office.leave()
