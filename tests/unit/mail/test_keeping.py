"""What makes two mails the same one, and what is kept of a mail's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import keeping
from channels.email.keeping import content_hash
from hub.store.rows import pack
from mail.model import Address, Mail

LETTER = b"Received: by a\r\n\tfor b\r\nFrom: eva@berg.example\r\nSubject: x\r\n\r\nHello\r\nyou\r\n"


def test_the_way_it_came_does_not_matter() -> None:
    ways = (
        LETTER,
        LETTER.replace(b"\r\n", b"\n"),
        LETTER.replace(b"Received: by a\r\n\tfor b\r\n", b""),
        b"Return-Path: <x@y>\r\nX-Spam-Status: no\r\nDelivered-To: z@z\r\nAuthentication-Results: us;\r\n\tspf=pass\r\n"
        + LETTER,
        LETTER + b"\r\n\r\n",
    )
    assert len({content_hash(way) for way in ways}) == 1


@pytest.mark.parametrize(
    ("this", "that"),
    [(b"Hello", b"Hallo"), (b"Subject: x", b"Subject: y"), (b"eva@", b"eve@"), (b"Hello\r\n", b"Hello\r\n\r\n")],
)
def test_everything_else_does(this: bytes, that: bytes) -> None:
    assert content_hash(LETTER) != content_hash(LETTER.replace(this, that))


@given(st.binary(max_size=2000))
def test_whatever_it_is_it_has_one(raw: bytes) -> None:
    assert content_hash(raw) == content_hash(raw)
    assert len(content_hash(raw)) == 64


def test_line_ends_at_the_borders_of_pieces() -> None:
    for length in range((1 << 20) - 3, (1 << 20) + 3):
        body = b"x" * length + b"\r\nyyy"
        head = b"Subject: x\r\n\r\n"
        assert content_hash(head + body) == content_hash((head + body).replace(b"\r\n", b"\n"))


@given(st.text(max_size=300), st.text(max_size=300), st.integers(0, 300))
async def test_what_is_kept_can_be_stored(subject: str, text: str, fold_at: int) -> None:
    sender = Address(text[:50], subject)
    fold_at = min(fold_at, len(text))
    mail = Mail(subject=subject, text=text, fold_at=fold_at, from_=sender, message_id=subject)
    kept, fold = await keeping.body(mail)
    assert 0 <= fold <= len(kept)
    stored = keeping.stored(
        mail, keeping.Kept("", 0, None, (), {}, ()), id="ma_1", contact="ct_1", message="ms_1", account="support",
        at=1, hash="", fold_at=fold,
    )  # fmt: skip
    pack(stored)
    assert "\n" not in stored.subject + stored.from_.name
