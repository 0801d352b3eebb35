"""The mail of a DATA command is found whatever the pieces in which it comes, and what follows stays where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.email import smtp_data
from channels.email.smtp_data import NO_HEAD, TOO_LARGE, TOO_LONG, take

LINES = st.lists(st.text("ab.\x00", max_size=6).map(str.encode), max_size=12)
AFTER = b"QUIT\r\n"


def said(lines: Sequence[bytes]) -> bytes:
    """As a client says it: a dot before each line that begins with one."""
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


def taken(
    stream: bytes, cuts: Sequence[int], limit: int = 1_000_000, most: int = 10_000_000
) -> tuple[str, bytes, bytes]:
    """(what is wrong, the mail, what was left for the next command) of a stream that comes cut in pieces."""

    async def run() -> tuple[str, bytes, bytes]:
        reader = asyncio.StreamReader(limit=limit)
        task = asyncio.create_task(take(reader, most))
        at = 0
        for cut in (*sorted(cuts), len(stream)):
            reader.feed_data(stream[at:cut])
            at = max(at, cut)
            await asyncio.sleep(0)
        wrong, mail = await asyncio.wait_for(task, 60)
        reader.feed_eof()
        return wrong, mail, await reader.read()

    return asyncio.run(run())


@given(LINES, st.lists(st.integers(0, 100), max_size=6), st.sampled_from([8, 16, 1_000_000]))
@example([], [], 8)
@example([b"", b"", b"."], [1, 2, 3], 8)
@example([b"."], [1], 8)
@example([b"..", b"a"], [], 8)
def test_the_mail_is_what_was_said(lines: list[bytes], cuts: list[int], limit: int) -> None:
    stream = said(lines) + AFTER
    mail = b"".join(line + b"\r\n" for line in lines)
    assert taken(stream, [cut for cut in cuts if cut < len(stream)], limit) == ("", mail, AFTER)


def test_lines_are_bounded_and_the_next_command_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_data, "LONGEST_LINE", 50)
    fits, long = b"x" * 50, b"x" * 51
    assert taken(said([b"a", fits, b"b"]) + AFTER, [])[0] == ""
    for lines in ([long], [b"a", long, b"b"], [b"a", b"b", long], [b"a" * 40, long]):
        for cuts in ([], [10, 20, 30], [53]):
            for limit in (16, 1_000_000):
                assert taken(said(lines) + AFTER, cuts, limit) == (TOO_LONG, b"", AFTER)


def test_size_is_bounded_and_the_next_command_is_heard() -> None:
    mail = [b"a" * 98] * 10
    assert taken(said(mail) + AFTER, [], most=1000)[0] == ""
    for limit in (16, 1_000_000):
        assert taken(said([*mail, b""]) + AFTER, [], limit, most=1000) == (TOO_LARGE, b"", AFTER)


def test_what_begins_with_nothing_but_empty_lines_is_no_mail() -> None:
    assert taken(said([b""] * 999 + [b"a"]) + AFTER, [])[0] == ""
    assert taken(said([b""] * 5000 + [b"a"]) + AFTER, []) == (NO_HEAD, b"", AFTER)
    assert taken(said([b""] * 5000) + AFTER, []) == (NO_HEAD, b"", AFTER)


def test_who_leaves_in_the_middle_has_said_nothing() -> None:
    async def run(stream: bytes) -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(stream)
        reader.feed_eof()
        await take(reader, 1000)

    for stream in (b"", b".", b"\r\n", b"Subject: x\r\n\r\nhalf of a mail\r\n.\r"):
        with pytest.raises(asyncio.IncompleteReadError):
            asyncio.run(run(stream))
