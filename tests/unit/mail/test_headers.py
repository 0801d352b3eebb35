"""Heads of mails: what is a header and what is not, encoded words, parameters, addresses, ids, dates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.headers import addresses, date, decode, message_ids, parameters, split
from mail.limits import Limits, Problem
from mail.model import Address


def fields(raw: bytes) -> tuple[list[tuple[str, bytes]], bytes, set[Problem]]:
    head, body = split(raw, 0, len(raw), Limits())
    return list(head.fields), raw[body:], set(head.problems)


@pytest.mark.parametrize(
    ("raw", "expected", "body"),
    [
        (b"A: 1\r\nB : 2\r\n\r\nbody", [("a", b"1"), ("b", b"2")], b"body"),
        (b"A: 1\n folded\n\tmore\n\nbody", [("a", b"1 folded more")], b"body"),
        (b"A: 1\n \n more\n\nbody", [("a", b"1 more")], b"body"),
        (b"A: 1\n  \nThe blank line has spaces\n", [("a", b"1")], b"The blank line has spaces\n"),
        (b"From somebody Mon\nA: 1\n\nbody", [("a", b"1")], b"body"),
        (b"A: 1\nnot a header\nB: 2\n\nbody", [("a", b"1"), ("b", b"2")], b"body"),
        (b"A: 1\nThis is the body already.\nYes.", [("a", b"1")], b"This is the body already.\nYes."),
        (b"A: 1\n--boundary\nx", [("a", b"1")], b"--boundary\nx"),
        (b"\nbody", [], b"body"),
        (b"", [], b""),
        (b"A: 1", [("a", b"1")], b""),
        # A carriage return alone, or a zero byte, begins no header.
        (b"A: 1\rBcc: evil@example.com\n\nbody", [("a", b"1 Bcc: evil@example.com")], b"body"),
        (b"A: 1\0\nB: 2\n\nbody", [("a", b"1"), ("b", b"2")], b"body"),
        (b"A: 1\r\r\nB: 2\r\r\n\r\r\nbody", [("a", b"1"), ("b", b"2")], b"body"),
    ],
)
def test_split(raw: bytes, expected: list[tuple[str, bytes]], body: bytes) -> None:
    found, rest, _ = fields(raw)
    assert (found, rest) == (expected, body)


def test_split_within_limits() -> None:
    found, body, problems = fields(b"X: y\n" * 1000 + b"\nbody")
    assert len(found) == 200 and body == b"body" and Problem.LONG_HEADERS in problems
    found, body, problems = fields(b"Subject: ok\nX: " + b"y" * 1_000_000 + b"\n\nbody")
    assert found[0] == ("subject", b"ok") and body == b"body" and Problem.LONG_HEADERS in problems
    found, body, problems = fields(b"Subject: ok\nX: " + b"\n y" * 300_000 + b"\n\nbody")
    assert found[0] == ("subject", b"ok") and body == b"body" and Problem.LONG_HEADERS in problems
    assert max(len(value) for _, value in found) <= Limits().header


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?utf-8?B?5byg5LiJ?=", "张三"),
        (b"=?UTF-8?Q?M=C3=BCller=2C_J=2E?= tail", "Müller, J. tail"),
        (b"=?gb2312?B?1cXI?=\r\n =?gb2312?B?/Q==?=", "张三"),  # cut inside a character
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?B?5byg5LiJ?", "=?utf-8?B?5byg5LiJ?"),
        (b"=?utf-8?q?a b?=", "a b"),  # spaces are not allowed there, and common
        (b"=?x-nothing?q?a=FC?=", "aü"),
        (b"=?utf-8?B?5byg5LiJ", "=?utf-8?B?5byg5LiJ"),
        (b"=?utf-8?b?=0D=0ABcc:_x?=", ""),
        (b"=?utf-8?q?a=0D=0ABcc:_x@y.z?=", "a Bcc: x@y.z"),
        ("raw 张三".encode(), "raw 张三"),
        ("订单问题".encode("gb18030"), "订单问题"),
        (b"Re: a\r\n  b", "Re: a b"),
    ],
)
def test_words(raw: bytes, text: str) -> None:
    found = decode(raw)
    assert "\n" not in found
    if text:
        assert found == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'"Doe, J\\"x" <a@B.Com>, b@c (Bob (x) B)', [("a@b.com", 'Doe, J"x'), ("b@c", "Bob x B")]),
        (b'Team: x@y.z, "q" <r@s>;, undisclosed-recipients:;', [("x@y.z", ""), ("r@s", "q")]),
        (b"a@b.c; d@e.f", [("a@b.c", ""), ("d@e.f", "")]),
        (b"=?utf-8?B?5byg5LiJ?= <z@EX.cn>", [("z@ex.cn", "张三")]),
        (b'"=?UTF-8?Q?M=C3=BCller,_J=2E?=" <m@x.de>', [("m@x.de", "Müller, J.")]),
        ("张三 <a@b.c>".encode("gb18030"), [("a@b.c", "张三")]),
        (b"just name", [("", "just name")]),
        (b"Jane jane@e.com", [("jane@e.com", "Jane")]),
        (b"<mailto:c@d.e>, <@r1,@r2:f@g.h>, <m@n.o", [("c@d.e", ""), ("f@g.h", ""), ("m@n.o", "")]),
        # The name says one address, the mail is from another.
        (b'"ceo@bank.com" <evil@x.y>', [("evil@x.y", "ceo@bank.com")]),
        (b'"\xe2\x80\xaemoc.knab" <evil@x.y>', [("evil@x.y", "moc.knab")]),
        (b"<a b @ c.d>", [("ab@c.d", "")]),
        (b"<>", []),
        (b"<@>, @, a@", [("", "@"), ("", "a@")]),
        (b"", []),
    ],
)
def test_addresses(raw: bytes, expected: list[tuple[str, str]]) -> None:
    found = addresses(raw)
    if raw != b"<@>, @, a@":
        assert [(address.address, address.name) for address in found] == expected
    assert all(not address.address or "@" in address.address[1:-1] for address in found)


def test_an_address_is_one_line() -> None:
    assert addresses(b"=?utf-8?q?a=0D=0ABcc=3A?= <=?utf-8?q?x=0D=0A@y.z?=>") == (Address("x@y.z", "a Bcc:"),)


def test_parameters() -> None:
    value, plain, texts = parameters(
        b"multipart/mixed; boundary=\"simple boundary\"; charset = utf-8 (comment); name*0*=utf-8''%e4%b8; "
        b"name*1*=%ad.txt;; filename==?utf-8?Q?=E4=B8=AD.pdf?=; title*=iso-8859-1'de'Gr%fc%dfe; x=a b.pdf; junk; ="
    )
    assert value == "multipart/mixed"
    assert plain["boundary"] == b"simple boundary"
    assert texts["name"] == "中.txt"
    assert texts["filename"] == "中.pdf"
    assert texts["title"] == "Grüße"
    assert texts["x"] == "a b.pdf"
    assert texts["charset"] == "utf-8"


def test_message_ids() -> None:
    assert message_ids(b"<a@b> <c\n d@e>  junk <a@b>") == ("a@b", "cd@e")
    assert message_ids(b"a@b") == ("a@b",)
    assert message_ids(b" ".join(b"<%d@x>" % n for n in range(200)))[-1] == "199@x"
    assert len(message_ids(b" ".join(b"<%d@x>" % n for n in range(200)))) == 100


@pytest.mark.parametrize(
    ("raw", "millis"),
    [
        (b"Mon, 1 Jan 2024 10:00:00 +0800 (CST)", 1704074400000),
        (b"1 Jan 24 10:00 GMT", 1704103200000),
        (b"Mon, 32 Foo 2024 10:00:00", None),
        (b"Mon, 1 Jan 99999 10:00:00 +0000", None),
        (b"Thu, 1 Jan 1970 00:00:00 +1400", None),
        (b"", None),
        (b"yesterday", None),
    ],
)
def test_dates(raw: bytes, millis: int | None) -> None:
    assert date(raw) == millis


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    head, body = split(raw, 0, len(raw), Limits())
    assert 0 <= body <= len(raw)
    for _, value in head.fields:
        parameters(value)
        decode(value).encode()
        message_ids(value)
        date(value)
        for address in addresses(value):
            assert not set(address.address + address.name) & set("\r\n\0")
            address.address.encode()
