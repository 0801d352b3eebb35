"""Text cut into words for search, and snippets cut out of text."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.store.words import MOST_BYTES, parse, snippet, spans, words

texts = st.text(max_size=200) | st.text("ab é\u0301中文客户カ가ไ. -@9½ﬁß\U0001f600", max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, WORLD hello", "hello world"),
        ("Müller-Østergård", "muller østergard"),
        ("cafe\u0301 café", "cafe"),
        ("客户服务", "客户 户服 服务 务"),
        ("客", "客"),
        ("iPhone手机15", "iphone 手机 机 15"),
        ("snake_case a.b@c.d", "snake case a b c d"),
        ("ＡＢＣ ﬁne ß", "abc fine ss"),
        ("½", "12"),
        ("🙂 !?", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert words(text) == expected


def test_a_phone_number_is_found_by_its_end() -> None:
    assert words("Anna", phone="+49 301234") == "anna 49301234 9301234 301234 01234"


@given(texts)
def test_words_are_made_for_the_index(text: str) -> None:
    """Never a character that FTS5's ascii tokenizer or a tsvector would cut at, and each word once."""
    found = words(text).split(" ") if words(text) else []
    assert len(set(found)) == len(found)
    for word in found:
        assert word
        assert all(c.isalnum() or unicodedata.category(c)[0] == "M" for c in word)
        assert word == word.lower() or not word.isascii()
    assert set(found) == {span.word for span in spans(text)}


@given(texts, st.data())
def test_a_part_of_a_text_finds_it(text: str, data: st.DataObject) -> None:
    """Whatever run of whole words, or of characters of a dense script, is taken out of a text is found in it."""
    cut = list(spans(text))
    if not cut:
        return
    first = data.draw(st.integers(0, len(cut) - 1))
    last = data.draw(st.integers(first, len(cut) - 1))
    query = parse(text[cut[first].start : cut[last].end])
    if query is None:
        return
    indexed = set(words(text).split(" "))
    for term in query.terms:
        assert any(term.matches(word) for word in indexed), (term, indexed)


@given(texts, texts)
def test_a_snippet_is_of_the_text(text: str, asked: str) -> None:
    query = parse(asked)
    if query is None:
        return
    pieces = snippet(text, query, width=40)
    assert all(piece for piece, _ in pieces)
    assert all(one[1] != next[1] for one, next in pairwise(pieces))
    shown = "".join(piece for piece, _ in pieces)
    assert len(shown) <= 42
    assert shown.strip("…") in " ".join(text.split()) or "…" in text


def test_a_snippet_shows_the_hit() -> None:
    query = parse("needle")
    assert query is not None
    text = "hay " * 100 + "needle " + "straw " * 100
    pieces = snippet(text, query)
    assert ("needle", True) in pieces
    assert pieces[0][0].startswith("…hay")
    assert pieces[-1][0].endswith("…")


def test_a_very_long_text_is_cut_for_postgresql() -> None:
    cut = words(" ".join(f"w{n}中" for n in range(100_000)))
    assert len(cut.encode()) < MOST_BYTES
    assert cut.startswith("w0 中")


def test_a_query_has_its_limits() -> None:
    query = parse("a b c d e f g h i j k l m n o p q r s t u v w x y z " * 100)
    assert query is not None
    assert len(query.terms) <= 16
    assert parse("!?* ") is None
    assert parse("") is None
