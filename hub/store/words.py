"""What a word is to full-text search, on both dialects: text cut into words, and a query cut the same way.

Words are folded (compatibility forms, case, accents of the European alphabets). Scripts that put no spaces between
words (Chinese, Japanese, Korean, Thai ...) are cut into overlapping pairs of characters, and a run's last character
stands for itself too, so that one character alone is found as the beginning of a pair.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

# Han, kana, Hangul, Thai, Lao, Myanmar, Khmer.
_DENSE = (
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9d\U00020000-\U0003134f\uac00-\ud7a3\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u109f\u1780-\u17d3"
)
_RUN = re.compile(rf"[{_DENSE}]+|(?:[^\W_{_DENSE}][\u0300-\u036f]*)+")
_ASCII_WORD = re.compile("[a-z0-9]+")
_DENSE_START = re.compile(rf"[{_DENSE}]")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_PHONE = re.compile(r"^\+?[\d\s()./-]{5,40}$")
_NOT_DIGITS = re.compile(r"\D+")
_SPACE = re.compile(r"\s+")

LONGEST_WORD = 64
# PostgreSQL takes a megabyte of words for one document.
MOST_BYTES = 400_000
MOST_QUERY_WORDS = 16
LONGEST_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """A word and where it stands in the text."""

    start: int
    end: int
    word: str


@lru_cache(8192)
def fold(text: str) -> str:
    """A word or pair, at most LONGEST_WORD characters, as it is compared; kept because they come again and again."""
    if text.isascii():
        return text.lower()[:LONGEST_WORD]
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed))[:LONGEST_WORD]
    # Folding may bring in what is no letter (as in ½ or ㈱); the index must never see a space or a sign.
    if folded.isalnum():
        return folded
    return "".join(c for c in folded if c.isalnum() or unicodedata.category(c)[0] == "M")


def spans(text: str) -> Iterator[Span]:
    """The words of `text` in order; pairs overlap, and a run's last character comes again by itself."""
    for match in _RUN.finditer(text):
        run, start = match.group(), match.start()
        if not _DENSE_START.match(run):
            if word := fold(run[:LONGEST_WORD]):
                yield Span(start, match.end(), word)
            continue
        for i in range(len(run)):
            if word := fold(run[i : i + 2]):
                yield Span(start + i, min(start + i + 2, match.end()), word)


def words(*texts: str, phone: str = "") -> str:
    """The words of a document, each once, parted by spaces. A phone number is found by its end as well."""
    found: dict[str, None] = {}
    for text in filter(None, texts):
        if text.isascii():
            found.update(dict.fromkeys(word[:LONGEST_WORD] for word in _ASCII_WORD.findall(text.lower())))
        else:
            found.update(dict.fromkeys(span.word for span in spans(text)))
    digits = _NOT_DIGITS.sub("", phone) if phone else ""
    found.update(dict.fromkeys(digits[i:] for i in range(max(len(digits) - 4, 0))))
    return " ".join(_within_limit(found))


def _within_limit(found: dict[str, None]) -> Iterable[str]:
    """As many of the words as PostgreSQL takes for one document."""
    if len(found) * (LONGEST_WORD * 4) <= MOST_BYTES:
        return found
    sizes = accumulate(len(word.encode()) + 12 for word in found)
    return (word for word, size in zip(found, sizes, strict=True) if size <= MOST_BYTES)


@dataclass(frozen=True, slots=True)
class Term:
    """A word that must be there; with `prefix` a word that begins so is enough."""

    word: str
    prefix: bool = False

    def matches(self, word: str) -> bool:
        return word.startswith(self.word) if self.prefix else word == self.word


@dataclass(frozen=True, slots=True)
class Query:
    """All of `terms` must be there, or a phone number that ends with or holds the digits `phone`."""

    terms: tuple[Term, ...]
    phone: Term | None = None


def parse(text: str) -> Query | None:
    """What the text asks for; None when it holds no word. Any text is a query: there is no syntax to get wrong."""
    found: dict[str, bool] = {}
    last = ""
    for match in _RUN.finditer(text[:LONGEST_QUERY]):
        run = match.group()
        dense = bool(_DENSE_START.match(run))
        for part in [run[i : i + 2] for i in range(max(len(run) - 1, 1))] if dense else [run]:
            if last := fold(part[:LONGEST_WORD]) or last:
                found[last] = dense and len(last) == 1
    if not found:
        return None
    del found[last]
    terms = [Term(word, prefix) for word, prefix in found.items()][: MOST_QUERY_WORDS - 1]
    digits = _NOT_DIGITS.sub("", text).lstrip("0") if _PHONE.match(text.strip()) else ""
    return Query((*terms, Term(last, True)), Term(digits, True) if len(digits) >= 5 else None)


def snippet(text: str, query: Query, width: int = 160) -> tuple[tuple[str, bool], ...]:
    """About `width` characters of the text around its first hit, in pieces, each with whether it is a hit."""
    text = _SPACE.sub(" ", text).strip()
    hits = _hits(text, query)
    first = hits[0][0] if hits else 0
    start = 0 if first <= width // 3 else _boundary(text, first - width // 3)
    end = min(len(text), start + width)
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for hit_start, hit_end in hits:
        if hit_start >= end:
            break
        pieces += [(text[at:hit_start], False), (text[hit_start : min(hit_end, end)], True)]
        at = min(hit_end, end)
    pieces += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    return _joined(pieces)


def _hits(text: str, query: Query) -> list[tuple[int, int]]:
    """Where the query's words stand, in order, neighbours joined."""
    hits: list[tuple[int, int]] = []
    for span in spans(text):
        term = next((term for term in query.terms if term.matches(span.word)), None)
        if term is None and query.phone and query.phone.word in span.word:
            term = query.phone
        if term is None:
            continue
        # Of a pair that one character begins, that character is the hit.
        dense = _DENSE_START.match(span.word)
        end = min(span.end, span.start + len(term.word)) if dense else span.end
        if hits and span.start <= hits[-1][1]:
            hits[-1] = (hits[-1][0], max(hits[-1][1], end))
        else:
            hits.append((span.start, end))
    return hits


def _boundary(text: str, at: int) -> int:
    """The start of a word near `at`, so that the snippet does not begin inside one."""
    space = text.find(" ", at, at + 20)
    return space + 1 if space >= 0 else at


def _joined(pieces: Sequence[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    joined: list[tuple[str, bool]] = []
    for piece, hit in pieces:
        if not piece:
            continue
        if joined and joined[-1][1] == hit:
            joined[-1] = (joined[-1][0] + piece, hit)
        else:
            joined.append((piece, hit))
    return tuple(joined)
