"""SIP messages: what is taken and what is refused, what it costs, and that what is written reads back the same."""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.sip.headers import CSeq, Headers, NameAddr, Via
from channels.voice.sip.message import (
    MAX_BODY,
    MAX_HEAD,
    BadMessage,
    Message,
    Request,
    Response,
    encode,
    parse,
    reply,
)
from tests.unit.sip.corpus import REFUSED, judge_mutations, torture

INVITE = (
    b"INVITE sip:support@hub.example SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK0\r\n"
    b'From: "Al" <sip:al@example.com>;tag=a1\r\n'
    b"To: <sip:support@hub.example>\r\n"
    b"Call-ID: c1@example.com\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Max-Forwards: 70\r\n"
    b"Record-Route: <sip:192.0.2.1;lr>\r\n"
    b"Timestamp: 54\r\n"
    b"Contact: <sip:al@192.0.2.9>\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def with_line(line: bytes, message: bytes = INVITE) -> bytes:
    return message.replace(b"Max-Forwards: 70", line)


@pytest.mark.parametrize("name", sorted(torture().keys() - REFUSED.keys()))
def test_torture_message_is_taken(name: str) -> None:
    message = parse(torture()[name])
    assert parse(encode(message)) == message


@pytest.mark.parametrize(("name", "status"), sorted(REFUSED.items()))
def test_torture_message_is_refused(name: str, status: int | None) -> None:
    with pytest.raises(BadMessage) as refusal:
        parse(torture()[name])
    request = refusal.value.partial
    if status is None:
        assert request is None
    else:
        assert refusal.value.status == status
        assert isinstance(request, Request)
        answer = parse(encode_answer(reply(request, status, to_tag="t1"), torture()[name]))
        assert isinstance(answer, Response)
        assert answer.status == status


def encode_answer(answer: Response, request: bytes) -> bytes:
    """An answer to a malformed request repeats what was malformed; here it is put right, as only the rest is judged."""
    for name, value in (
        ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:a@b>;tag=2"),
        ("Call-ID", "c"),
        ("CSeq", "1 OPTIONS"),
    ):
        answer.headers.set(name, value)
    assert request
    return encode(answer)


def test_torture_messages_say_what_they_say() -> None:
    """Values that are hard to find in them."""
    messages = {name: parse(data) for name, data in torture().items() if name not in REFUSED}
    tortuous = messages["wsinv"]
    assert isinstance(tortuous, Request)
    headers = tortuous.headers
    assert [Via.parse(via).host for via in headers.all("v")] == ["192.0.2.2", "spindle.example.com", "192.168.255.111"]
    assert Via.parse(headers.all("Via")[2]).branch == "z9hG4bK30239"
    sender, target = NameAddr.parse(headers.get("From") or ""), NameAddr.parse(headers.get("To") or "")
    assert (sender.display, sender.tag) == ('J Rosenberg \\"', "98asjd8")
    assert (target.uri, target.tag) == ("sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert CSeq.parse(headers.get("CSeq") or "") == CSeq(9, "INVITE")
    contact = NameAddr.parse(headers.get("Contact") or "")
    assert (contact.display, contact.params["q"]) == ('Quoted string ""', "0.33")
    assert headers.get("newfangledheader") == "newfangled value continued newfangled value"

    escaped = messages["esc01"]
    assert isinstance(escaped, Request)
    assert NameAddr.parse(escaped.headers.get("Contact") or "").sip_uri is not None
    user = NameAddr.parse(escaped.headers.get("From") or "").sip_uri
    assert user is not None
    assert user.username == "I have spaces"

    assert len(messages["longreq"].headers.all("Via")) == 34
    assert messages["dblreq"].body == b""
    assert len(messages["mpart01"].body) == 553
    assert messages["noreason"] == Response(100, "", messages["noreason"].headers)
    assert messages["escnull"].headers.count("Contact") == 2


def test_mutated_torture_messages_are_taken_or_refused() -> None:
    assert judge_mutations(3_000, seed=1)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"Max-Forwards: 256", 400),
        (b"Max-Forwards: -1", 400),
        (b"Max-Forwards: \xc2\xb2", 400),
        (b"Max Forwards: 70", 400),
        (b"Max-Forwards", 400),
        (b": 70", 400),
        (b"X: a\rb", 400),
        (b"X: a\nb", 400),
        (b"Via: SIP/2.0/UDP [::g];branch=z9hG4bK2", 400),
        (b"Via: SIP/2.0/UDP 192.0.2.1:65536;branch=z9hG4bK2", 400),
        (b"Route: sip:192.0.2.1", 400),
        (b"Route: <sip:>", 400),
        (b"Contact: <sip:a@[::g]>", 400),
        (b"To: <sip:b@example.com>", 400),
        (b"Content-Length: 0", 400),
        (b"Content-Type: text", 400),
        (b"X: " + b"x" * MAX_HEAD, 513),
        (b"\r\n".join([b"X: 1"] * 300), 513),
        (b"Route: " + b",".join([b"<sip:a;lr>"] * 300), 513),
    ],
)
def test_malformed_field_is_refused(line: bytes, status: int) -> None:
    with pytest.raises(BadMessage) as refusal:
        parse(with_line(line))
    assert refusal.value.status == status
    assert refusal.value.partial is not None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Max-Forwards: 0",
        b"max-forwards : 70",
        b"Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK2;received=2001:db8::2;rport=7",
        b"Route: <sip:192.0.2.1;lr>, <sips:[2001:db8::1];lr>",
        b"Subject: \xfc",
        "Subject: ü".encode(),
        b"Contact: *",
        b"Expires: never",
    ],
)
def test_uncommon_field_is_taken(line: bytes) -> None:
    data = with_line(line) if line else INVITE.replace(b"Max-Forwards: 70\r\n", b"")
    if line.startswith(b"Contact"):
        data = data.replace(b"Contact: <sip:al@192.0.2.9>\r\n", b"")
    message = parse(data)
    assert parse(encode(message)) == message


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (b"INVITE sip:" + b"u" * 5_000 + b"@h SIP/2.0", 414),
        (b"INVITE sip:u@h SIP/3.0", 505),
        (b"INVITE sip:u@h SIP/2.0 x", 400),
        (b"INVITE sip: SIP/2.0", 400),
        (b"INVITE support SIP/2.0", 400),
        (b"", 400),
        (b"SIP/2.0 99 Low", 400),
        (b"SIP/2.0 700 High", 400),
    ],
)
def test_malformed_start_line_is_refused(first: bytes, status: int) -> None:
    with pytest.raises(BadMessage) as refusal:
        parse(INVITE.replace(b"INVITE sip:support@hub.example SIP/2.0", first, 1))
    assert refusal.value.status == status


def test_malformed_ack_is_not_answered() -> None:
    with pytest.raises(BadMessage) as refusal:
        parse(INVITE.replace(b"INVITE sip:support", b"ACK sip:support"))
    assert refusal.value.partial is None


def test_large_messages_are_refused() -> None:
    fits = INVITE.replace(b"Content-Length: 0", b"Content-Length: %d" % MAX_BODY) + b"x" * MAX_BODY
    assert len(parse(fits).body) == MAX_BODY
    longer = INVITE.replace(b"Content-Length: 0", b"Content-Length: %d" % (MAX_BODY + 1)) + b"x" * (MAX_BODY + 1)
    for data, status in ((longer, 413), (INVITE + b"x" * 70_000, 513)):
        with pytest.raises(BadMessage) as refusal:
            parse(data)
        assert refusal.value.status == status
        assert refusal.value.partial is not None


def test_stream_needs_an_exact_length() -> None:
    assert parse(INVITE, stream=True) == parse(INVITE)
    for data in (INVITE + b"x", INVITE.replace(b"Content-Length: 0\r\n", b"")):
        assert parse(data).headers == parse(INVITE).headers
        with pytest.raises(BadMessage):
            parse(data, stream=True)


def test_reply_copies_what_it_must() -> None:
    request = parse(INVITE)
    assert isinstance(request, Request)
    ok = reply(request, 200, to_tag="b2")
    assert ok.reason == "OK"
    for name in ("Via", "From", "Call-ID", "CSeq", "Record-Route"):
        assert ok.headers.all(name) == request.headers.all(name)
    assert NameAddr.parse(ok.headers.get("To") or "").tag == "b2"
    trying = reply(request, 100, to_tag="b2")
    assert trying.headers.get("Timestamp") == "54"
    assert trying.headers.get("To") == request.headers.get("To")
    assert "Record-Route" not in trying.headers
    assert "Record-Route" not in reply(request, 486).headers
    request.headers.set("To", "<sip:support@hub.example>;tag=mine")
    assert reply(request, 200, to_tag="b2").headers.get("To") == "<sip:support@hub.example>;tag=mine"


def test_value_cannot_break_out_of_its_line() -> None:
    message = parse(INVITE)
    for value in ("a\r\nX: b", "a\nb", "a\rb"):
        message.headers.set("Subject", value)
        with pytest.raises(ValueError, match="line end"):
            encode(message)


# Shapes on which a backtracking parser takes quadratic time or worse, of any size.
HARD: list[Callable[[int], bytes]] = [
    lambda n: with_line(b"To: " + b"a " * n),
    lambda n: with_line(b"To: " + b'"\\' * n),
    lambda n: with_line(b"To: <sip:a@b>" + b";a=b" * n + b"<"),
    lambda n: with_line(b"Via: SIP/2.0/UDP a" + b";a" * n + b",,"),
    lambda n: with_line(b"Via: " + b"," * n),
    lambda n: with_line(b"Route: " + b"<" * n),
    lambda n: with_line(b"Route: " + b'"' * n + b","),
    lambda n: with_line(b"X:" + b"\r\n " * n),
    lambda n: with_line(b"X:" + b" " * n + b"x" + b" " * n),
    lambda n: with_line(b"\r\n".join([b"X%d: 1" % number for number in range(n // 8)])),
    lambda n: INVITE.replace(b"sip:support@hub.example SIP", b"sip:" + b"%41" * n + b"?" * n + b" SIP"),
    lambda n: b"\r\n" * n + INVITE,
    lambda n: INVITE[:-2] * (n // 300),
]


@pytest.mark.parametrize("shape", HARD)
def test_cost_grows_with_size_only(shape: Callable[[int], bytes]) -> None:
    """Sixteen times the size costs about sixteen times the time, where quadratic growth would be 256 times."""

    def cost(data: bytes) -> float:
        def once() -> float:
            start = time.process_time()
            for _ in range(20):
                with suppress(BadMessage):
                    parse(data)
            return time.process_time() - start

        return min(once() for _ in range(5))

    small, large = shape(500), shape(8_000)
    assert cost(large) < 80 * max(cost(small), 20 * 20e-6)


@pytest.mark.parametrize("shape", HARD)
def test_memory_is_bounded(shape: Callable[[int], bytes]) -> None:
    data = shape(60_000)
    tracemalloc.start()
    try:
        with suppress(BadMessage):
            parse(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-.!%*_+`'~", min_size=1, max_size=20)
HOSTS = st.one_of(
    st.ip_addresses().map(str), st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{1,5}){0,2}", fullmatch=True)
)
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40)
PARAMS = st.dictionaries(TOKENS.map(str.lower), st.none() | TOKENS | LINES.filter(bool), max_size=4)
PORTS = st.none() | st.integers(1, 65535)
VIAS = st.builds(Via, TOKENS.map(str.upper), HOSTS, PORTS, PARAMS)


@st.composite
def addresses(draw: st.DrawFn) -> NameAddr:
    host = draw(HOSTS)
    uri = f"sip:{draw(TOKENS).replace('%', '').replace('`', '') or 'a'}@{f'[{host}]' if ':' in host else host}"
    return NameAddr(draw(LINES), uri, draw(PARAMS))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    method = draw(TOKENS)
    headers = Headers()
    for via in draw(st.lists(VIAS, min_size=1, max_size=3)):
        headers.add("Via", str(via))
    headers.add("From", str(draw(addresses())))
    headers.add("To", str(draw(addresses())))
    headers.add("Call-ID", draw(TOKENS))
    headers.add("CSeq", str(CSeq(draw(st.integers(0, 2**31 - 1)), method)))
    for contact in draw(st.lists(addresses(), max_size=2)):
        headers.add("Contact", str(contact))
    for name, value in draw(st.dictionaries(TOKENS.map(lambda name: f"X-{name}"), LINES, max_size=3)).items():
        headers.add(name, value.strip(" \t"))
    body = draw(st.binary(max_size=100))
    if draw(st.booleans()):
        return Request(method, "sip:support@hub.example", headers, body)
    return Response(draw(st.integers(100, 699)), draw(TOKENS), headers, body)


@given(messages())
def test_what_is_written_reads_back(message: Message) -> None:
    assert parse(encode(message)) == message
    assert parse(encode(message), stream=True) == message


@given(VIAS)
def test_via_reads_back(via: Via) -> None:
    assert Via.parse(str(via)) == via


@given(addresses())
def test_address_reads_back(address: NameAddr) -> None:
    assert NameAddr.parse(str(address)) == address


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    try:
        parse(data)
    except BadMessage as refusal:
        assert refusal.status
