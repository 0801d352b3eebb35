"""Agents' signatures: nothing in them runs or loads, and each queue gets its own."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.beginning import signature
from hub.errors import InvalidInput
from hub.mail_signature import HTML_LIMIT, QUEUES, TEXT_LIMIT, Signature, Signatures, cleaned, for_queue, kept

bits = st.sampled_from([
    "<script>", "</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:x'>", '<a href="https://a.example">',
    "</a>", "<style>*{}</style>", "<p onclick='x'>", "<svg/onload=x>", "&lt;", "<!--", "-->", "<iframe src=//x>",
    "Nadia", "<b>", "</b>", "<base href=//x>", "<form action=//x>", "\0", "\u202e", "<a href='//x'>", "<li>",
])  # fmt: skip
TAGS = {"p", "div", "br", "strong", "b", "em", "i", "u", "s", "a", "ul", "ol", "li", "blockquote"}


@given(st.lists(bits, max_size=20).map("".join))
def test_nothing_in_a_signature_runs_or_loads(html: str) -> None:
    clean = cleaned(Signatures(html=html), ()).html
    assert set(re.findall(r"</?([a-z]+)", clean)) <= TAGS
    assert not re.search(r"<[^>]*\s(?!href=)[a-z-]+=", clean)
    assert all(re.match(r"https?:|mailto:|tel:", to) for to in re.findall(r'href="([^"]*)"', clean))
    assert cleaned(Signatures(html=clean), ()).html == clean, "what was kept is kept as it is"


def test_each_queue_gets_its_own() -> None:
    given = Signatures(
        "Nadia", "<p>Nadia</p>", {"sales": Signature("Nadia, sales"), "blank": Signature(" ", "<p></p>")}
    )
    settings = {"mail_signature": msgspec.to_builtins(cleaned(given, ("sales", "blank")))}
    assert for_queue(settings, "sales").text == "Nadia, sales"
    for other in ("support", "blank", None):
        assert for_queue(settings, other).text == "Nadia"


def test_what_is_blank_is_none() -> None:
    assert cleaned(Signatures(" \n", "<p><br></p><p>&nbsp;</p><img src=x>"), ()) == Signatures()


@pytest.mark.parametrize("settings", [{}, {"mail_signature": None}, {"mail_signature": {"text": 3}}])
def test_without_one(settings: dict[str, object]) -> None:
    assert kept(settings) == Signatures()
    assert for_queue({"mail_signature": "Nadia"}, "sales").text == "Nadia"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (Signatures("x" * (TEXT_LIMIT + 1)), "mail_signature.text"),
        (Signatures(html="x" * (HTML_LIMIT + 1)), "mail_signature.html"),
        (Signatures(queues={"nowhere": Signature("x")}), "mail_signature.queues.nowhere"),
        (Signatures(queues={"sales": Signature("x" * (TEXT_LIMIT + 1))}), "mail_signature.queues.sales.text"),
        (Signatures(queues={str(n): Signature("x") for n in range(QUEUES + 1)}), "mail_signature.queues"),
    ],
)
def test_bounds(given: Signatures, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        cleaned(given, ("sales",))
    assert refused.value.details["path"] == path


def test_what_grows_when_it_is_cleaned_is_kept_all_the_same() -> None:
    settings = {"mail_signature": msgspec.to_builtins(cleaned(Signatures(html="&" * HTML_LIMIT), ()))}
    assert kept(settings).html == "&amp;" * HTML_LIMIT


def test_text_and_html_say_the_same_with_their_blanks_filled_in() -> None:
    values = {"agent": {"name": "Nadia <Orlova>"}}
    assert signature(Signature("{{ agent.name }}\nSupport"), values) == (
        "Nadia <Orlova>\nSupport",
        "<p>Nadia &lt;Orlova&gt;<br>Support</p>",
    )
    assert signature(Signature(html="<p><b>{{ agent.name }}</b></p><p>Support</p>"), values) == (
        "Nadia <Orlova>\n\nSupport",
        "<p><b>Nadia &lt;Orlova&gt;</b></p><p>Support</p>",
    )
    assert signature(Signature("{{ nobody"), values)[0] == "{{ nobody"
    assert signature(Signature(" "), values) == ("", "")
