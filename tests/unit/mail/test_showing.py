"""The page that shows a mail: what addresses its pictures get, who may have signed them, how high it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.showing import (
    HOUR_S,
    Pointed,
    Signer,
    document,
    has_remote,
    height_of,
    policy,
    quoted,
)
from mail.sanitise import sanitise

REMOTE = "https://pictures.example/a.png?b=1&c=2"


def page(html: str, *, remote: bool = False) -> tuple[str, list[Pointed]]:
    asked: list[Pointed] = []

    def address(pointed: Pointed) -> str:
        asked.append(pointed)
        return f"/mails/ma_1/image?n={len(asked)}&x"

    return document(html, address, {"logo@x": "fl_1"}, remote=remote, lang="en"), asked


def test_pictures_of_the_mail_are_shown_and_others_wait() -> None:
    html = sanitise(f'<img src="cid:logo@x"><img src="cid:gone"><img src="{REMOTE}" width="9">').html
    shown, asked = page(html)
    assert asked == [Pointed("file", "fl_1")]
    assert 'src="/mails/ma_1/image?n=1&amp;x"' in shown and "remote:" not in shown and "cid:" not in shown
    assert has_remote(html) and not has_remote(sanitise("<p>remote:</p>").html)
    _, asked = page(html, remote=True)
    assert asked == [Pointed("file", "fl_1"), Pointed("remote", REMOTE)]


@pytest.mark.parametrize("name", ["javascript:alert(1)", "file:///etc/passwd", "//", "https%3A%2F%2F", "x" * 9000])
def test_what_is_no_web_address_is_never_asked_for(name: str) -> None:
    _, asked = page(f'<img src="remote:{name}">', remote=True)
    assert asked == []


def test_words_that_look_like_pictures_stay_words() -> None:
    text = '<p>&lt;img src="cid:logo@x"&gt; remote:https://x.example</p>'
    shown, asked = page(text, remote=True)
    assert text in shown and asked == []


@given(st.text(max_size=200))
def test_no_text_breaks_out_of_an_address(name: str) -> None:
    shown, _ = page(sanitise(f'<p>x</p><img src="cid:logo@x" alt="{name}">').html)
    assert "<script" not in shown.lower()
    assert len(re.findall(r"<img\b[^<>]* src=", shown)) <= 2


SECRET = b"s" * 32
NOW = 1_800_000_000


@given(st.text(min_size=1, max_size=300))
def test_a_signed_address_is_read_by_who_signed_it(name: str) -> None:
    signer = Signer(SECRET)
    query = dict(part.split("=", 1) for part in signer.sign("ma_1", Pointed("remote", name), NOW).split("&"))
    assert signer.read("ma_1", query, NOW) == Pointed("remote", name)
    assert signer.read("ma_2", query, NOW) is None, "another mail"
    assert Signer(b"t" * 32).read("ma_1", query, NOW) is None, "another hub"
    assert signer.read("ma_1", query, NOW + 2 * HOUR_S) is None, "too late"
    assert signer.read("ma_1", query | {"until": "9999999999"}, NOW) is None
    assert signer.read("ma_1", {"file": query["remote"], "until": query["until"], "proof": query["proof"]}, NOW) is None
    for key in query:
        assert signer.read("ma_1", {k: v for k, v in query.items() if k != key}, NOW) is None
    assert signer.read("ma_1", query | {"proof": "\u00e4"}, NOW) is None
    assert signer.read("ma_1", query | {"remote": "%"}, NOW) is None


def test_an_address_stays_the_same_for_a_while() -> None:
    signer, start = Signer(SECRET), NOW - NOW % HOUR_S
    pointed = Pointed("file", "fl_1")
    assert signer.sign("ma_1", pointed, start) == signer.sign("ma_1", pointed, start + HOUR_S - 1)
    assert signer.sign("ma_1", pointed, start) != signer.sign("ma_1", pointed, start + HOUR_S)


def test_the_policy_names_this_mails_pictures_only() -> None:
    said = policy(["https://hub.example"], "ma_1")
    assert "default-src 'none'" in said and "img-src https://hub.example/mails/ma_1/image;" in said
    assert "script" not in said and "allow-same-origin" not in said and "sandbox" in said


def test_heights_follow_what_is_shown() -> None:
    short, long = height_of("<p>Hello</p>"), height_of("<p>" + "word " * 1000 + "</p>")
    assert 30 <= short <= 90 and long > 900
    assert height_of('<p><img src="cid:a" height="400"></p>') > 400
    assert height_of('<img height="400">') < 60, "a picture that is not shown"
    assert height_of("<style>p{color:red}</style>") == height_of("")
    assert height_of("<p>" + "字" * 440 + "</p>") > height_of("<p>" + "x" * 440 + "</p>")
    assert height_of("a<br><br>b") > height_of("a<br>b")


def test_what_is_quoted_brings_no_styles_along() -> None:
    assert quoted("<style>p{color:red}</style><p>x</p>") == "<p>x</p>"
