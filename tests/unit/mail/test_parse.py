"""Whatever comes as a mail becomes a value: readable, or marked with what is wrong with it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.limits import CUT, Limits, Problem
from mail.model import Address, Mail, MailKind
from mail.parse import headers_only, parse
from mail.sanitise import sanitise
from tests.peers import CHECKOUT
from tests.unit.mail.letters import base64, inner, mail, multipart, part

FIXTURES = sorted((CHECKOUT / "tests/fixtures/mime").glob("*.msg"))


def python_mails() -> list[Path]:
    """Python's own test mails, where the interpreter came with its tests."""
    try:
        found = importlib.util.find_spec("test.test_email")
    except ModuleNotFoundError:
        return []
    if found is None or found.origin is None:
        return []
    return sorted((Path(found.origin).parent / "data").glob("*.txt"))


def check(found: Mail) -> None:
    """What holds of every mail, whatever it was."""
    assert Problem.CRASHED not in found.problems
    assert found.whole == (not CUT & set(found.problems))
    assert 0 <= found.fold_at <= len(found.text)
    assert [each.index for each in found.attachments] == list(range(len(found.attachments)))
    assert all(each.name and not set("/\\\0\r\n") & set(each.name) for each in found.attachments)
    assert len(found.headers) <= 200
    for line in (found.subject, found.message_id, found.from_.address, found.from_.name, *dict(found.headers).values()):
        assert not set("\r\n\0") & set(line)
    assert "\0" not in found.text and "\r" not in found.text
    if found.html is not None:
        assert "<script" not in found.html
    # It can be told to another process, and kept.
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Mail) == found


@pytest.mark.parametrize("path", [*FIXTURES, *python_mails()], ids=lambda path: path.stem)
def test_every_mail_is_read_or_marked(path: Path) -> None:
    found = parse(path.read_bytes())
    check(found)
    assert found.text.strip() or found.attachments or Problem.EMPTY in found.problems
    assert found.text.strip() or found.attachments or path.stem in NOTHING_IN_IT


NOTHING_IN_IT = {
    *("multipartemptypart", "multipartnestedemptypartsnorfc822"),
    *("msg_08", "msg_09", "msg_12", "msg_12a", "msg_18", "msg_24"),
}

# Subject, first words, attachments.
EXPECTED: dict[str, tuple[str, str, list[str]]] = {
    "2002_06_12_doublebound": ("MIME handling bug demo", "-- \nThe plot was designed", ["The Mutt E-Mail Client.html"]),
    "ak-0696": ("[Fwd: Re: 34Mbit/s Netz]", "-- \nJuergen Specht", ["Re_ 34Mbit_s Netz.eml"]),
    "attachment-filename-encoding-Latin1": ("", "Attachment Test", ["attachment.äöü.txt"]),
    "attachment-filename-encoding-UTF8": ("", "Attachment Test", ["attachment.äöü.txt"]),
    "badbound": ("Mail System Error - Returned Mail", "--====", []),
    "badfile": ("note the bogus filename", "This had better not end up in /tmp!", []),
    "base64encoded-rfc822message": ("a simple rfc822 message encoded in a base64 body.", "Text body", ["message.eml"]),
    "basic-plain": ("Simple Subject", "This is a very simple message", []),
    "bluedot-postcard": ("A postcard for you", "Having a wonderful time...", ["bluedot.jpg"]),
    "bluedot-simple": ("", "", ["bluedot.jpg"]),
    "boundary-name-clash": ("test", "Please see attachment", ["Daily_Stats-2022-05-12-0700.pdf"]),
    "double-bound": ("test of double-boundary behavior", "This message contains double", ["3d-eye.gif"]),
    "double-semicolon": ("", "The worse part", []),
    "dup-names": ("Two images for you...", "", ["one.gif", "one.gif", *["two.nice.gif"] * 3]),
    "empty-preamble": ("", "Das ist ein Test.", ["dot.png"]),
    "german-qp": ("Testnachricht", "Hallo,\n\ndas ist eine Testnachricht mit 8 Bit Sönder", []),
    "german": ("Re: 34Mbit/s Netz", "Hallo Herr Specht", []),
    "hdr-fakeout": ("test message 1", 'The header is not properly terminated; the "blank line"', []),
    "intl": ("If you can read this you understand the example... so, cool!", "How's this?", []),
    "lennie": ("Test Mail Again", "This is the message body.", ["Pull3.html", "WWWIcon.gif"]),
    "malformedHeader-nocrlfcrlf": ("this is a subject", "Body text", []),
    "malformedHeader-noheader": ("", "This is a simple message not having headers.", []),
    "missing-boundary": ("", "AAA", []),
    "multi-2gifs": (
        "Two images for you...",
        "When unpacked, this message should produce",
        ["3d-compress.gif", "3d-eye.gif"],
    ),
    "multi-digest": (
        "Sample digest message",
        "embedded message 1\n\nThis is implicitly-typed",
        ["embedded message 1.eml", "embedded message 2.eml"],
    ),
    "multi-nested": (
        "A complex nested multipart example",
        "Part 1 of the outer message.",
        ["3d-vise.gif", "3d-eye.gif", "Part 5 of the outer message is itself an RFC822 message!.eml"],
    ),
    "not-mime": ("Re: HELP! Problems installing PSNFSS, and other querys", "try reading the LaTeX Companion", []),
    "obsolete": ("The obsolete syntax allow spaces before the colon and also empty lines in folding.", "body", []),
    "qp-body": ("subject", "7bit content with euro €", []),
    "russian-headers": ("A simple subject", "", ["Список.doc.txt"]),
    "russian": ("Greetings", "", ["Список.doc.txt"]),
    "sig-uu": ("Here's my UU'ed sig!", "Well, I don't know much about how", ["signature.txt", "file.gif"]),
    "simple-attachment": ("Here is the attachment I was waiting for.", "Body.", ["data.bin"]),
    "twopart": ("", "JOY LEE;Batiment Le Rabelais", ["uk7200_110_6.jpg"]),
    "uu-junk": ("mime::parser", "Eryq -\n\nI occasionally receive an email", ["up.gif", "zeegee.gif"]),
    "uu-zeegee": ("uudecoding", "I've uuencoded the ZeeGee logo", ["up.gif", "zeegee.gif"]),
    "very-very-long-boundary": ("", "Text body", []),
    "x-gzip64": ("Testing!", "  ___  _ _ _", []),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_in_it(name: str) -> None:
    found = parse((CHECKOUT / "tests/fixtures/mime" / f"{name}.msg").read_bytes())
    subject, begin, names = EXPECTED[name]
    assert found.subject == subject
    assert found.text.startswith(begin) and bool(found.text) == bool(begin)
    assert [each.name for each in found.attachments] == names


def test_head() -> None:
    found = parse(
        mail(
            "您好，我的订单还没有收到。".encode("gb18030"),
            type="text/plain; charset=gb2312",
            Subject="=?gb2312?B?tqm1pQ==?=",
            From="=?gb2312?B?1cXI/Q==?= <zhang@Example.CN>",
            To="Support <support+tok@demo.test>, sales@demo.test",
            Cc="bob@example.com",
            Reply_To="other@example.cn",
            Message_ID="<1@example.cn>",
            In_Reply_To="<tok@demo.test>",
            References="<0@x> <tok@demo.test>",
            Date="Mon, 1 Jan 2024 10:00:00 +0800",
        )
    )
    assert found.subject == "订单"
    assert found.from_ == Address("zhang@example.cn", "张三")
    assert found.to == (Address("support+tok@demo.test", "Support"), Address("sales@demo.test"))
    assert found.cc == (Address("bob@example.com"),)
    assert found.reply_to == (Address("other@example.cn"),)
    assert (found.message_id, found.in_reply_to, found.references) == (
        "1@example.cn",
        "tok@demo.test",
        ("0@x", "tok@demo.test"),
    )
    assert found.date == 1704074400000
    assert found.text == "您好，我的订单还没有收到。"
    assert found.language == "zh"
    assert found.html is None
    assert (found.kind, found.problems, found.whole) == (MailKind.NORMAL, (), True)
    assert found.headers[0] == ("from", "张三 <zhang@Example.CN>")


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        (b"Subject: a\rFrom: x@y.z\r\rbody\rtwo", "a", "body\ntwo"),  # an old Macintosh
        (b"Subject: a\rBcc: x@y.z\n\nbody\rtwo", "a Bcc: x@y.z", "body\ntwo"),
        (b"Subject: a\0b\n\nbo\0dy", "ab", "body"),
        (b"Subject: a\r\n\r\nbody\r\n.\r\nMAIL FROM:<x@y.z>\n.\n", "a", "body\n.\nMAIL FROM:<x@y.z>\n."),
        (b"", "", ""),
        (b"\n", "", ""),
        (b"\r\n\r\n", "", ""),
        (b":", "", ":"),
        (b"no header at all", "", "no header at all"),
    ],
)
def test_line_ends_and_zero_bytes(raw: bytes, subject: str, text: str) -> None:
    found = parse(raw)
    check(found)
    assert (found.subject, found.text) == (subject, text)
    assert (Problem.NUL in found.problems) == (b"\0" in raw)
    assert found.from_.address in ("", "x@y.z")


@pytest.mark.parametrize(
    ("head", "body", "language"),
    [
        ({}, "Hello, where is my order? I have waited for two weeks.", "en"),
        ({}, "Guten Tag, meine Bestellung ist noch nicht angekommen.", "de"),
        ({}, "Bonjour, je n'ai toujours pas reçu ma commande.", "fr"),
        ({}, "iPhone 15 Pro 怎么退货", "zh"),
        ({}, "注文した商品がまだ届いていません。", "ja"),
        ({}, "주문한 상품이 아직 도착하지 않았습니다.", "ko"),
        ({}, "Где мой заказ? Я жду уже две недели.", "ru"),
        ({}, "12345", ""),
        ({"Content_Language": "de-DE"}, "ok", "de"),
        ({}, "ok\n\n-----Original Message-----\nFrom: x\nHello, where is my order? I have waited for weeks.", "en"),
    ],
)
def test_language(head: dict[str, str], body: str, language: str) -> None:
    assert parse(mail(body.encode(), type="text/plain; charset=utf-8", **head)).language == language


def test_html_alone() -> None:
    found = parse(mail("<p>Grüße</p><script>alert(1)</script>".encode("latin-1"), type="text/html; charset=iso-8859-1"))
    assert (found.text, found.html) == ("Grüße", "<p>Grüße</p>")
    page = "<html><head><meta charset='gb2312'></head><body>您好</body></html>".encode("gb18030")
    assert parse(mail(page, type="text/html")).text == "您好"


def test_text_between_files() -> None:
    """As Apple Mail writes it."""
    found = parse(multipart(part(b"One"), base64(b"GIF89a", "image/gif; name=a.gif"), part(b"<b>Two</b>", "text/html")))
    assert found.text == "One\n\nTwo"
    assert found.html == '<div style="white-space:pre-wrap">One</div><b>Two</b>'


def test_depth_and_number() -> None:
    deep = part(b"inside")
    for number in range(150):
        deep = inner(deep, kind="mixed", mark=f"m{number}x")
    found = parse(b"Subject: deep\r\n" + deep)
    check(found)
    assert found.subject == "deep" and Problem.DEEP in found.problems and not found.whole
    found = parse(multipart(*[part(b"x")] * 200), Limits(parts=100))
    check(found)
    assert Problem.MANY_PARTS in found.problems and found.text.startswith("x\n\nx")


def test_headers_only() -> None:
    found = headers_only(mail(b"never read", Subject="=?utf-8?q?=C3=BC?="), Problem.TIME)
    assert (found.subject, found.text, found.problems, found.whole) == ("ü", "", (Problem.TIME,), False)
    assert found.from_ == Address("a@example.com")


@given(st.binary(max_size=2000))
def test_any_bytes(raw: bytes) -> None:
    check(parse(raw))


WORDS = st.sampled_from(
    [
        *(b"Subject: ", b"From: ", b"To: ", b"Content-Type: ", b"Content-Transfer-Encoding: ", b"MIME-Version: 1.0\n"),
        *(
            b"multipart/mixed; boundary=a",
            b"multipart/alternative; boundary=b",
            b"multipart/report; boundary=a; report-type=",
        ),
        *(
            b"delivery-status",
            b"text/plain",
            b"text/html; charset=gb2312",
            b"message/rfc822",
            b"message/delivery-status",
        ),
        *(b"application/ms-tnef", b"application/pkcs7-mime", b"message/partial", b"text/plain; format=flowed"),
        *(
            b"base64",
            b"quoted-printable",
            b"x-uuencode",
            b"x-gzip64",
            b"--a\n",
            b"--a--\n",
            b"--b\n",
            b"--b--\n",
            b"\n",
            b"\r\n",
        ),
        *(b"\r", b"\0", b" ", b"=?utf-8?b?", b"?=", b"begin 644 x\n", b"end\n", b"=ybegin line=1 name=a\n", b"=yend\n"),
        *(
            b"Final-Recipient: rfc822; a@b.c\n",
            b"Action: failed\n",
            b"<img src=cid:a>",
            b"<a@b.c>",
            b"aGVsbG8=",
            b"=C3=BC",
        ),
        *(
            b"> quoted\n",
            b"On Mon, 1 Jan 2024 a <a@b.c> wrote:\n",
            b"-- \n",
            b"\x78\x9f\x3e\x22\x01\0",
            b"PK\x03\x04",
            b"\x1b$B",
        ),
    ]
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=6)), max_size=60).map(b"".join))
def test_any_pieces(raw: bytes) -> None:
    check(parse(raw))


def trees() -> st.SearchStrategy[bytes]:
    """Parts of parts, each well-formed or cut."""
    types = [
        "text/plain",
        "text/html",
        "image/png; name=a.png",
        "text/csv",
        "application/ms-tnef",
        "message/rfc822",
        "",
    ]
    bodies = st.one_of(
        st.binary(max_size=100),
        st.text(max_size=100).map(str.encode),
        st.sampled_from([mail(b"inner"), b"<p>hello</p>", b""]),
    )
    leaves = st.builds(
        lambda body, type, encoded: (base64 if encoded else part)(body, type),
        bodies,
        st.sampled_from(types),
        st.booleans(),
    )

    def parents(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        kinds = st.sampled_from(["mixed", "alternative", "related", "signed", "report", "digest", "encrypted", "x"])
        return st.builds(
            lambda parts, kind, mark, cut: inner(*parts, kind=kind, mark=mark)[: cut or None],
            st.lists(children, max_size=4),
            kinds,
            st.sampled_from(["a", "b", "aa", "=_x"]),
            st.sampled_from([0, 0, 0, -5, -30]),
        )

    return st.recursive(leaves, parents, max_leaves=20)


@given(trees())
def test_any_tree(raw: bytes) -> None:
    found = parse(b"Subject: s\r\n" + raw)
    check(found)
    assert found.subject == "s"
    if found.html is not None and "<style>" not in found.html:
        assert sanitise(found.html).html == found.html.strip()


def test_the_same_again() -> None:
    """Nothing in it depends on when, where or how often."""
    raw = FIXTURES[0].read_bytes()
    found: list[Any] = [parse(raw), parse(raw)]
    assert found[0] == found[1]
