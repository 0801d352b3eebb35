"""The reference pages say what the code does, and every socket event is on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import FOLDER, PAGES, VISITOR_EVENTS, WINDOW_EVENTS
from hub.config import parse
from server import Application


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes_of_it(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run python -m docs.generate"


def test_every_socket_event_is_documented(tmp_path: Path) -> None:
    sections = {"server": {"data_dir": str(tmp_path)}, "callbacks": {"enabled": True}, "cobrowse": {"enabled": True}}
    application = Application(parse(sections))
    assert set(application.visitors.table.events) == set(VISITOR_EVENTS)
    assert {name for name in application.agents.table.events if name in WINDOW_EVENTS} == set(WINDOW_EVENTS)
    page = PAGES["sockets.md"]()
    for name in application.agents.table.events:
        assert f"| `{name}` |" in page


def test_every_event_says_what_it_means() -> None:
    blank = [line for line in PAGES["events.md"]().splitlines() if line.endswith("|  |")]
    assert blank == []
