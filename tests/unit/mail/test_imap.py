"""What IMAP servers say, whole and in pieces, right and wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.imap import BadResponse, Parser, Response, attributes, folder_name, quoted, uid_set

SAID = (
    b"* OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN] hi\r\n"
    b"* 12 FETCH (UID 7 BODY[]<0> {9}\r\nHello\r\nyo FLAGS (\\Seen $x))\r\n"
    b'* LIST (\\HasNoChildren) "/" "a \\"b\\" \\\\c"\r\n'
    b"* SEARCH 1 2 3\r\n+ idling\r\nH1 NO [AUTHENTICATIONFAILED] wrong\r\nH2 OK [UIDVALIDITY 42] done\r\n"
)


def parsed(*pieces: bytes, literal: int = 1000) -> list[Response]:
    parser = Parser(literal)
    found = [response for piece in pieces for response in parser.feed(piece)]
    assert parser.empty
    return found


def test_what_a_server_says() -> None:
    greeting, fetch, listed, search, go_on, refused, done = parsed(SAID)
    assert (greeting.name, greeting.code, greeting.values) == (
        "OK",
        "CAPABILITY",
        (b"IMAP4rev1", b"IDLE", b"AUTH=PLAIN"),
    )
    assert (fetch.name, fetch.number) == ("FETCH", 12)
    assert attributes(fetch) == {"UID": b"7", "BODY[]": b"Hello\r\nyo", "FLAGS": [b"\\Seen", b"$x"]}
    assert listed.values == ([b"\\HasNoChildren"], b"/", b'a "b" \\c')
    assert search.values == (b"1", b"2", b"3")
    assert (go_on.tag, go_on.text) == ("+", "idling")
    assert (refused.tag, refused.name, refused.code, refused.text) == ("H1", "NO", "AUTHENTICATIONFAILED", "wrong")
    assert (done.code, done.values) == ("UIDVALIDITY", (b"42",))


@given(st.lists(st.integers(0, 400), max_size=30))
def test_the_pieces_do_not_matter(cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(SAID)) for cut in cuts), len(SAID)]
    assert parsed(*(SAID[a:b] for a, b in pairwise(places))) == parsed(SAID)


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused(data: bytes) -> None:
    parser = Parser(100)
    try:
        for response in parser.feed(data + b"\r\n"):
            if response.name == "FETCH":
                attributes(response)
    except BadResponse:
        pass


@pytest.mark.parametrize(
    "said",
    [
        b"* 1 FETCH (BODY[] {1001}\r\n",
        b"* 1 FETCH (\r\n",
        b"* 1 FETCH )\r\n",
        b"* X " + b"(" * 60 + b")" * 60 + b"\r\n",
        b"* LIST {999999999999}\r\n",
        b"x" * 9_000_000,
        b' no tag "\r\n',
    ],
)
def test_what_is_too_much_or_wrong_is_refused(said: bytes) -> None:
    with pytest.raises(BadResponse):
        list(Parser(1000).feed(said))


def test_a_fetch_without_pairs_is_refused() -> None:
    for values in ((), ([b"UID"],), ([[b"x"], b"1"],), (b"UID",)):
        with pytest.raises(BadResponse):
            attributes(Response("*", "FETCH", 1, values))


def test_names_of_folders() -> None:
    assert folder_name("INBOX/Sent") == "INBOX/Sent"
    assert folder_name("Tom & Jerry") == "Tom &- Jerry"
    # The examples of RFC 3501.
    assert folder_name("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
    assert quoted('a "b" \\c') == b'"a \\"b\\" \\\\c"'
    for wrong in ("a\r\nb", "ü", "\x7f"):
        with pytest.raises(ValueError, match="printable ASCII"):
            quoted(wrong)


@given(st.lists(st.integers(1, 60), min_size=1))
def test_sets_of_uids(uids: list[int]) -> None:
    found: set[int] = set()
    for part in uid_set(uids).split(","):
        low, _, high = part.partition(":")
        found |= set(range(int(low), int(high or low) + 1))
    assert found == set(uids)
