"""What browser tests share: one Chromium, one hub with demo data, people at their browsers, and their pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.people import Agent, Visitor
from tests.hub import DemoHub
from tests.peers import CHECKOUT, require

ARTEFACTS = CHECKOUT / "test-artifacts"
CHROMIUM = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# As long as everything else waits for what a slow machine takes long to show.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    """One hub for all tests that leave it as they found it: every visitor new, agents signed out at the end."""
    require("node")
    hub = DemoHub(tmp_path_factory.mktemp("hub"), settings="[chat]\nstarts_per_hour = 10000\n").start()
    yield hub
    assert hub.stop() == 0, hub.log.read_text()


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub that a test may stop, kill or configure as it likes."""
    require("node")
    hub = DemoHub(tmp_path, settings="[chat]\nstarts_per_hour = 10000\n").start()
    yield hub
    if hub.process is not None and hub.process.poll() is None:
        hub.stop()


class People:
    """Opens browsers on a hub for whom a test needs, and closes them all when it ends."""

    def __init__(self, chromium: Browser, hub: DemoHub, artefacts: Path) -> None:
        self._chromium = chromium
        self._hub = hub
        self._artefacts = artefacts
        self._agents: list[Agent] = []
        self._visitors: list[Visitor] = []

    def agent(self, name: str, **context: object) -> Agent:
        agent = Agent(self._chromium, self._hub.url, name, self._artefacts, dict(context))
        self._agents.append(agent)
        return agent

    def visitor(self, **context: object) -> Visitor:
        visitor = Visitor(self._chromium, self._hub.url, self._artefacts, dict(context))
        self._visitors.append(visitor)
        return visitor

    def leave(self) -> None:
        for agent in self._agents:
            agent.leave()
        for visitor in self._visitors:
            visitor.context.close()


@pytest.fixture
def artefacts(request: pytest.FixtureRequest) -> Path:
    """Where a test's pictures are kept."""
    folder = ARTEFACTS / re.sub(r"[^A-Za-z0-9._-]+", "-", request.node.name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def people(chromium: Browser, shared_hub: DemoHub, artefacts: Path) -> Iterator[People]:
    group = People(chromium, shared_hub, artefacts)
    yield group
    group.leave()


@pytest.fixture
def people_of_own_hub(chromium: Browser, own_hub: DemoHub, artefacts: Path) -> Iterator[People]:
    group = People(chromium, own_hub, artefacts)
    yield group
    group.leave()
