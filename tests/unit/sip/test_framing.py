"""Messages out of a stream that comes in any pieces."""

from hypothesis import given
from hypothesis import strategies as st

from channels.voice.sip.framing import PING, PONG, Framer
from channels.voice.sip.message import MAX_BODY, MAX_HEAD, BadMessage, parse


def message(body: bytes = b"", length: bytes | None = None) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if length is None else length
    return b"OPTIONS sip:a SIP/2.0\r\nX: 1\r\n" + length + b"\r\n" + body


@given(
    st.lists(st.one_of(st.binary(max_size=30).map(message), st.just(PING), st.just(PONG)), max_size=8),
    st.data(),
)
def test_any_pieces_give_the_same_messages(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    framer, found = Framer(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += framer.feed(stream[start:end])
    assert found == [part for part in parts if part not in (PING, PONG)]
    whole = Framer()
    assert whole.feed(stream) == found
    assert (whole.pings, whole.idle, whole.broken) == (framer.pings, True, None)
    assert framer.idle


def test_pings_are_counted() -> None:
    framer = Framer()
    assert framer.feed(PING + message() + PING + PING) == [message()]
    assert framer.pings == 3
    assert framer.feed(b"\r") == framer.feed(b"\n\r") == []
    assert framer.pings == 3
    framer.feed(b"\n")
    assert framer.pings == 4


def test_length_is_found_however_it_is_written() -> None:
    for length in (b"l:2\r\n", b"CONTENT-LENGTH :  2 \r\n", b"Content-Length:\r\n 2\r\n"):
        framer = Framer()
        assert framer.feed(message(b"xy", length) + message()) == [message(b"xy", length), message()]


def test_message_without_a_usable_length_ends_the_stream() -> None:
    lengths = [
        b"",
        b"l: 1\r\nContent-Length: 1\r\n",
        b"l: -1\r\n",
        b"l: x\r\n",
        b"l: %d\r\n" % (MAX_BODY + 1),
        b"l:\r\n",
    ]
    for length in lengths:
        framer = Framer()
        head = message(b"", length)
        assert framer.feed(message() + head + message()) == [message(), head]
        assert framer.broken
        assert framer.feed(message()) == []
        try:
            parse(head, stream=True)
        except BadMessage as refusal:
            assert refusal.status in (400, 413)


def test_endless_head_ends_the_stream() -> None:
    framer = Framer()
    for _ in range(MAX_HEAD // 1_000 + 2):
        assert framer.feed(b"x" * 1_000) == []
    assert framer.broken


def test_no_more_than_one_message_is_kept() -> None:
    framer = Framer()
    head = message(b"", b"l: %d\r\n" % MAX_BODY)
    framer.feed(head)
    assert framer.feed(b"x" * (MAX_BODY - 1)) == []
    assert not framer.idle
    assert framer.feed(b"x") == [head + b"x" * MAX_BODY]
    assert framer.idle
