"""Letters, as Python's own parser reads what was composed."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.errors import InvalidInput, TooLarge
from mail.compose import Enclosure, Letter, compose, needs_utf8, recipients, shortened
from mail.compose_headers import clean, spec
from mail.model import Address, MailKind
from mail.parse import parse

AT = 1_790_000_000_000
ME = Address("support@example.org", "Support")
YOU = Address("clara@berg.example", "Clara Berg")
LETTER = Letter(ME, "token.ml1@hub.example.org", AT, to=(YOU,), subject="Your order", text="It left today.\n")

# What people and programs put into names and subjects: all of Unicode, line ends, quotes, encoded words, commas.
nasty = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from(list('\r\n\0",;:<>()@\\=?_ \t\u2028\u202e零é'))),
    max_size=200,
)
names = st.builds(
    lambda stem, more: clean(stem + more), nasty, st.sampled_from(["", "a, b", '"', "=?utf-8?q?x?=", "\r\nBcc: x@y.z"])
)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def head_of(raw: bytes) -> list[str]:
    return raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")


@given(nasty, names, names, nasty, st.one_of(st.none(), nasty))
def test_whatever_is_said_comes_through_as_it_was(
    subject: str, sender: str, name: str, text: str, html: str | None
) -> None:
    letter = replace(
        LETTER,
        subject=subject,
        from_=Address(ME.address, sender),
        to=(Address(YOU.address, name), YOU),
        text=text,
        html=html,
    )
    raw = compose(letter)
    message = read(raw)
    assert not message.defects
    assert message["subject"] == clean(subject)
    assert [a.addr_spec for a in message["to"].addresses] == [YOU.address, YOU.address]
    assert message["from"].addresses[0].addr_spec == ME.address
    # Python 3.11's parser puts spaces between encoded words of a name.
    assert message["to"].addresses[0].display_name.replace(" ", "") == name.replace(" ", "")
    assert message["bcc"] is None
    plain = message.get_body(("plain",))
    assert plain is not None
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == wanted.rstrip("\n")
    assert (message.get_body(("html",)) is not None) is (html is not None)


@given(nasty, names, st.lists(st.text(max_size=60), max_size=40))
@example("00000000000¡¡¡¡𐀀𐀀𐀀𐀀𐀀𐀀", "", [])  # its first word would fill a line without the field's name
@example("x" * 74 + ">", "y" * 75, [])
@example("", '"' * 60, [])
@example("", "Eva " * 30, [])
def test_the_head_is_ascii_in_short_lines_of_known_fields(subject: str, name: str, ids: list[str]) -> None:
    letter = replace(
        LETTER, subject=subject, to=(Address(YOU.address, name),), in_reply_to=subject, references=tuple(ids)
    )
    raw = compose(letter)
    assert raw.isascii()
    assert b"\0" not in raw
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    allowed = {"date", "from", "to", "subject", "message-id", "in-reply-to", "references", "mime-version"}
    allowed |= {"content-type", "content-transfer-encoding"}
    for line in head_of(raw):
        assert len(line) <= 998
        assert line.startswith(" ") or line.partition(":")[0].lower() in allowed, line
    assert all(len(line) <= 78 for line in raw.split(b"\r\n") if not line.lstrip().startswith(b"<"))


@given(
    st.lists(st.tuples(nasty, st.binary(max_size=400), nasty), max_size=4),
    st.lists(st.binary(max_size=300), max_size=3),
)
def test_files_and_pictures_come_through_byte_for_byte(
    files: list[tuple[str, bytes, str]], pictures: list[bytes]
) -> None:
    letter = replace(
        LETTER,
        html="<p>See <img src='cid:p0@x'></p>",
        attachments=tuple(Enclosure(name, type, data) for name, data, type in files),
        inline=tuple(Enclosure(f"p{i}.png", "image/png", data, f"p{i}@x") for i, data in enumerate(pictures)),
    )
    message = read(compose(letter))
    found = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    assert [part.get_payload(decode=True) for part in found] == [data for _, data, _ in files]
    for part, (name, _, _) in zip(found, files, strict=True):
        kept = shortened(clean(name).replace("/", "_").replace("\\", "_"), 150) or "attachment"
        assert part.get_filename() == kept
    shown = [part for part in message.walk() if part.get_content_disposition() == "inline"]
    assert [part.get_payload(decode=True) for part in shown] == pictures
    assert [part["content-id"] for part in shown] == [f"<p{i}@x>" for i in range(len(pictures))]
    html = message.get_body(("html",))
    assert html is not None
    assert "cid:p0@x" in html.get_content()


@given(st.text(max_size=80))
def test_an_address_is_one_or_is_refused(text: str) -> None:
    try:
        written = spec(text)
    except InvalidInput:
        return
    assert not re.search(r"[\s<>,;\x00-\x1f\x7f]", written)
    assert written.count("@") == 1
    assert written.rpartition("@")[2].isascii()


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("clara@BÜCHER.example", "clara@xn--bcher-kva.example"),
        ("clara@straße.example", "clara@xn--strae-oqa.example"),
        ("john..doe.@docomo.example", '"john..doe."@docomo.example'),
        ("o'neil+tag@example.org", "o'neil+tag@example.org"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
    ],
)
def test_addresses_as_servers_want_them(address: str, written: str) -> None:
    assert spec(address) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "clara",
        "@example.org",
        "clara@",
        "a b@example.org",
        "a@b@c.org",
        "a@exam ple.org",
        "a@example.org\r\nRCPT TO:<x@y.z>",
        "<a@example.org>",
        "a\n@example.org",
        f"{'x' * 65}@example.org",
        f"a@{'x' * 64}.org",
        "a,b@example.org",
        "\x7fa@b.org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compose(replace(LETTER, to=(YOU, Address(address))))
    assert refused.value.details["path"] == "to[1].address"


def test_a_thread_and_what_is_said_of_automata() -> None:
    letter = replace(
        LETTER,
        in_reply_to="c@x",
        references=tuple(f"{n}@x" for n in range(50)),
        reply_to=(Address("support+token@example.org", "Support"),),
        automatic="auto-replied",
        unsubscribe="https://example.org/u/1",
        language="zh-CN",
    )
    message = read(compose(letter))
    assert message["in-reply-to"] == "<c@x>"
    assert message["references"].split() == ["<0@x>", *(f"<{n}@x>" for n in range(31, 50))]
    assert message["reply-to"] == "Support <support+token@example.org>"
    assert message["auto-submitted"] == "auto-replied"
    assert message["precedence"] == "bulk"
    assert message["list-unsubscribe"] == "<https://example.org/u/1>"
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["content-language"] == "zh-CN"
    assert message["date"].datetime.timestamp() == AT / 1000
    assert message["message-id"] == "<token.ml1@hub.example.org>"


def test_who_gets_a_blind_copy_stands_nowhere() -> None:
    hidden = Address("hidden@example.net", "Hidden")
    raw = compose(replace(LETTER, to=(), bcc=(hidden,)))
    assert b"hidden" not in raw.lower()
    assert read(raw)["to"] == "undisclosed-recipients:;"
    assert recipients(replace(LETTER, to=(YOU,), cc=(YOU,), bcc=(hidden,))) == [YOU.address, "hidden@example.net"]


def test_a_name_with_a_comma_is_one_person() -> None:
    """Python's generator has made two of "Bergström, Clara" when it folded the line (CVE-2025-1795)."""
    name = "Bergström-Lindqvist-Ångermanland, Clara Maria Elisabeth"
    message = read(compose(replace(LETTER, to=(Address(YOU.address, name), *[YOU] * 10))))
    assert [a.addr_spec for a in message["to"].addresses] == [YOU.address] * 11
    assert message["to"].addresses[0].display_name.replace(" ", "") == name.replace(" ", "")


def test_names_beyond_ascii_in_addresses_need_servers_that_know_them() -> None:
    assert not needs_utf8(LETTER)
    letter = replace(LETTER, to=(Address("用户@例子.example", "用户"),))
    assert needs_utf8(letter)
    assert "用户@xn--fsqu00a.example".encode() in compose(letter)


def test_a_mail_in_a_mail_stays_one_if_it_can() -> None:
    bare = b"From: a@b.c\r\nSubject: x\r\n\r\nHello\r\n"
    odd = bare + "é".encode()
    message = read(
        compose(replace(LETTER, attachments=tuple(Enclosure("m.eml", "message/rfc822", raw) for raw in (bare, odd))))
    )
    one, other = list(message.iter_attachments())
    assert one.get_content_type() == "message/rfc822"
    assert one.get_content()["subject"] == "x"
    assert other.get_content_type() == "application/octet-stream"
    assert other.get_payload(decode=True) == odd


def test_bounds() -> None:
    with pytest.raises(InvalidInput, match="at least one recipient"):
        compose(replace(LETTER, to=()))
    with pytest.raises(InvalidInput, match="at most 100"):
        compose(replace(LETTER, to=(YOU,) * 60, bcc=(YOU,) * 60))
    with pytest.raises(InvalidInput, match="subject"):
        compose(replace(LETTER, subject="x" * 501))
    with pytest.raises(TooLarge) as large:
        compose(replace(LETTER, attachments=(Enclosure("a.bin", "application/zip", bytes(9_000)),)), largest=10_000)
    assert large.value.code == "mail.too_large"


def test_the_same_letter_is_the_same_bytes() -> None:
    letter = replace(LETTER, html="<b>x</b>", attachments=(Enclosure("a", "text/plain", b"x"),))
    assert compose(letter) == compose(letter)
    assert compose(letter) != compose(replace(letter, message_id="other@x"))


people = st.lists(
    st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=30), min_size=1, max_size=4
)


@given(
    nasty,
    people.map(", ".join),
    nasty,
    st.one_of(st.none(), nasty),
    st.lists(st.binary(min_size=1, max_size=100), max_size=2),
)
def test_our_own_parser_reads_what_was_written(
    subject: str, name: str, text: str, html: str | None, files: list[bytes]
) -> None:
    letter = replace(
        LETTER,
        subject=subject,
        to=(Address(YOU.address, name),),
        text=f"Dear all {text}",
        html=html,
        in_reply_to="a@x",
        references=("0@x", "a@x"),
        attachments=tuple(Enclosure(f"{i}.bin", "application/octet-stream", data) for i, data in enumerate(files)),
    )
    mail = parse(compose(letter))
    assert mail.whole
    assert mail.subject == clean(subject)
    assert (mail.from_, mail.message_id) == (ME, LETTER.message_id)
    assert [(to.address, to.name) for to in mail.to] == [(YOU.address, clean(name))]
    assert (mail.in_reply_to, mail.references) == ("a@x", ("0@x", "a@x"))
    assert mail.date == AT
    assert mail.text.split()[:2] == ["Dear", "all"]
    assert [file.data for file in mail.attachments] == files


def test_our_own_parser_knows_our_automata() -> None:
    assert parse(compose(replace(LETTER, automatic="auto-replied"))).kind is MailKind.AUTO_REPLY
    assert parse(compose(LETTER)).kind is MailKind.NORMAL
