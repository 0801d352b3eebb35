"""The small pure parts of the web layer: text from outside, origins, languages, pages of lists."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_ui.words import Words, accepted, direction
from hub.errors import InvalidInput
from hub.web.paging import page_of
from hub.web.security import origin_of
from hub.web.shapes import PageQuery
from hub.web.text import check_json, check_line, check_text


@pytest.mark.parametrize("text", ["Zoë", "张伟　先生", "مرحبا\u200fبك", "👩‍👩‍👧", "می‌خواهم", "a\u00a0b", ""])
def test_what_people_write_is_taken(text: str) -> None:
    check_line(text, "name")


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff", "\ud800"])
def test_what_nobody_types_is_refused(bad: str) -> None:
    for check in (check_line, check_text):
        with pytest.raises(InvalidInput) as refused:
            check(f"a{bad}b", "name")
        assert refused.value.details["path"] == "name" and f"U+{ord(bad):04X}" in refused.value.message


def test_lines_end_only_in_texts() -> None:
    check_text("a\n\tb\r\n", "text")
    with pytest.raises(InvalidInput):
        check_line("a\nb", "name")


def test_json_is_looked_through() -> None:
    check_json({"text": "a\nb", "list": [{"name": "x"}], "n": 1, "none": None})
    for value, path in (
        ({"a": [{"name": "x\ny"}]}, "a[0].name"),
        ({"a": {"b": "\x00"}}, "a.b"),
        ({"a\x00": 1}, ""),
        (["\x00"], "[0]"),
    ):
        with pytest.raises(InvalidInput) as refused:
            check_json(value)
        assert refused.value.details["path"] == path


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_gets_past_that_a_database_refuses(value: object) -> None:
    try:
        check_json(value)
    except InvalidInput:
        return
    assert "\\u0000" not in json.dumps(value)
    json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Hub.Example/x?y", "https://hub.example"),
        ("https://hub.example:443", "https://hub.example"),
        ("http://hub.example:80/", "http://hub.example"),
        ("http://hub.example:8000", "http://hub.example:8000"),
        ("http://[::1]:8000/a", "http://[::1]:8000"),
        ("null", None),
        ("", None),
        ("file:///etc/passwd", None),
        ("http://", None),
        ("http://a:99999", None),
        ("http://[::1", None),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_languages() -> None:
    assert accepted("de;q=0.5, zh-CN, en;q=0.8, *;q=0.1, fr;q=0, x;q=oops") == ["zh-CN", "en", "de"]
    words = Words()
    assert words.best("zh") == words.best("zh-cn") == words.best("zh-CN-x") == "zh-CN"
    assert words.best("tlh") == "en" and words.best() == "en"
    assert (direction("ar"), direction("he-IL"), direction("en")) == ("rtl", "rtl", "ltr")


def test_words_fall_back_to_english(tmp_path: Path) -> None:
    (tmp_path / "login.en.json").write_text('{"a": "Wait {seconds} s", "b": "B"}')
    (tmp_path / "login.de.json").write_text('{"a": "Warte {seconds} s", "n": {"one": "x"}}')
    t = Words(tmp_path).text("login", "de")
    assert (t("a", seconds=3), t("b"), t("c"), t("a")) == ("Warte 3 s", "B", "c", "Warte {seconds} s")


def test_both_languages_say_the_same_things() -> None:
    folder = Path(__file__).parents[2] / "agent_ui" / "locales"
    for english in folder.glob("*.en.json"):
        other = english.with_name(english.name.replace(".en.", ".zh-CN."))
        assert json.loads(other.read_text()).keys() == json.loads(english.read_text()).keys(), other.name


@dataclass
class Row:
    id: str


@given(st.sets(st.text("abc", min_size=1, max_size=4)), st.integers(1, 5))
def test_pages_hold_every_row_once(ids: set[str], limit: int) -> None:
    seen: list[str] = []
    after = None
    while True:
        items, after = page_of([Row(id) for id in ids], PageQuery(after, limit), key=lambda row: row.id)
        seen += [row.id for row in items]
        assert len(items) <= limit
        if after is None:
            break
    assert seen == sorted(ids)
    with pytest.raises(InvalidInput):
        page_of([Row(id) for id in ids], PageQuery("forged"), key=lambda row: row.id)
