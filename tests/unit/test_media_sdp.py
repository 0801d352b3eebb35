"""Offers and answers of audio: what peers write, read in all their spellings, and what we write, read by ourselves."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from webrtc import sdp
from webrtc.sdp import Local

LOCAL = Local("192.0.2.9", 20_000, 42)
CODECS = ("PCMU", "PCMA")


def offer(media: str = "m=audio 4000 RTP/AVP 0 8 101", lines: str = "", c: str = "IN IP4 192.0.2.1") -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc={c}\r\nt=0 0\r\n{media}\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:96 opus/48000/2\r\n" + lines
    )


def answered(text: str, codecs: tuple[str, ...] = CODECS, secure: bool = False) -> tuple[str, sdp.Agreed]:
    return sdp.answer(sdp.parse(text), LOCAL, codecs, secure=secure, random=os.urandom)


def test_answer_names_one_codec_and_events() -> None:
    text, agreed = answered(offer())
    assert "m=audio 20000 RTP/AVP 0 101\r\n" in text and "a=rtpmap:0 PCMU/8000\r\n" in text
    assert (agreed.codec.name, agreed.events, agreed.host, agreed.port) == ("PCMU", 101, "192.0.2.1", 4000)
    assert agreed.rtcp == ("192.0.2.1", 4001) and not agreed.mux
    assert "rtcp-mux" not in text


def test_our_preference_decides() -> None:
    assert answered(offer(), ("PCMA", "PCMU"))[1].codec.name == "PCMA"
    agreed = answered(offer("m=audio 4000 RTP/AVP 96 0"), ("opus",))[1]
    assert (agreed.codec.name, agreed.codec.payload_type, agreed.codec.rate, agreed.events) == (
        "opus",
        96,
        48_000,
        None,
    )


def test_dynamic_numbers_of_static_codecs_are_read() -> None:
    agreed = answered(offer("m=audio 4000 RTP/AVP 100", "a=rtpmap:100 pcma/8000/1\r\n"))[1]
    assert (agreed.codec.name, agreed.codec.payload_type) == ("PCMA", 100)


@pytest.mark.parametrize(
    ("lines", "c", "sends", "receives", "said"),
    [
        ("", "IN IP4 192.0.2.1", True, True, "sendrecv"),
        ("a=sendonly\r\n", "IN IP4 192.0.2.1", True, False, "recvonly"),
        ("a=recvonly\r\n", "IN IP4 192.0.2.1", False, True, "sendonly"),
        ("a=inactive\r\n", "IN IP4 192.0.2.1", False, False, "inactive"),
        ("", "IN IP4 0.0.0.0", True, False, "sendrecv"),
        ("a=inactive\r\n", "IN IP4 0.0.0.0", False, False, "inactive"),
        ("", "IN IP6 ::", True, False, "sendrecv"),
        ("a=SendOnly\r\n", "IN IP4 192.0.2.1", True, False, "recvonly"),
    ],
)
def test_hold_in_all_spellings(lines: str, c: str, sends: bool, receives: bool, said: str) -> None:
    text, agreed = answered(offer(lines=lines, c=c))
    assert (agreed.sends, agreed.receives) == (sends, receives)
    assert f"a={said}\r\n" in text


def test_direction_of_the_session_holds_for_its_streams() -> None:
    text = offer().replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n")
    assert not answered(text)[1].receives
    assert answered(text + "a=sendrecv\r\n")[1].receives


def test_address_of_the_stream_comes_first() -> None:
    assert answered(offer(lines="c=IN IP4 198.51.100.7\r\n"))[1].host == "198.51.100.7"
    assert answered(offer(c="IN IP6 2001:db8::1"))[1].host == "2001:db8::1"
    six, _ = sdp.answer(sdp.parse(offer()), Local("2001:db8::9", 20_000, 1), CODECS, random=os.urandom)
    assert "c=IN IP6 2001:db8::9" in six


@pytest.mark.parametrize(
    ("lines", "ptime"),
    [("", 20), ("a=ptime:30\r\n", 30), ("a=ptime:20.0\r\n", 20), ("a=maxptime:10\r\n", 10), ("a=ptime:7\r\n", 20)],
)
def test_packet_time(lines: str, ptime: int) -> None:
    text, agreed = answered(offer(lines=lines))
    assert agreed.codec.ptime_ms == ptime and f"a=ptime:{ptime}\r\n" in text


def test_places_of_rtcp() -> None:
    text, agreed = answered(offer(lines="a=rtcp-mux\r\n"))
    assert agreed.mux and agreed.rtcp == ("192.0.2.1", 4000) and "a=rtcp-mux\r\n" in text
    assert answered(offer(lines="a=rtcp:4711\r\n"))[1].rtcp == ("192.0.2.1", 4711)
    assert answered(offer(lines="a=rtcp:4711 IN IP4 192.0.2.5\r\n"))[1].rtcp == ("192.0.2.5", 4711)


def test_other_streams_are_refused_in_their_place() -> None:
    text = offer("m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0 101") + "m=image 6000 udptl t38\r\n"
    answer, agreed = answered(text)
    assert re.findall(r"m=(\w+) (\d+)", answer) == [("video", "0"), ("audio", "20000"), ("image", "0")]
    assert agreed.port == 4000


KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
SECURE = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20\r\n"


def test_sdes_keys() -> None:
    text, agreed = answered(offer("m=audio 4000 RTP/SAVP 0 101", SECURE), secure=True)
    assert agreed.keys is not None
    ours, theirs = agreed.keys
    assert str(theirs).endswith(KEY) and f"a=crypto:{ours}\r\n" in text and ours.key != theirs.key
    assert "RTP/SAVP" in text


@pytest.mark.parametrize(
    "line",
    [
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4\r\n",
        f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}\r\n",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dG9vc2hvcnQ=\r\n",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP\r\n",
        "a=crypto:x\r\n",
        "",
    ],
)
def test_keys_that_cannot_be_used_are_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        answered(offer("m=audio 4000 RTP/SAVP 0 101", line), secure=True)


def test_keys_are_not_taken_over_plain_signalling() -> None:
    with pytest.raises(InvalidInput):
        answered(offer("m=audio 4000 RTP/SAVP 0", SECURE))
    # Both offered: the plain stream is taken, in its place.
    both = offer("m=audio 4000 RTP/SAVP 0", SECURE) + "m=audio 4002 RTP/AVP 0\r\n"
    text, agreed = answered(both)
    assert re.findall(r"m=audio (\d+)", text) == ["0", "20000"] and agreed.port == 4002


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("codecs", [CODECS, ("opus", "PCMA"), ("G722",)])
def test_two_of_us_agree(codecs: tuple[str, ...], secure: bool) -> None:
    """What we offer we can answer, and the answer tells both the same."""
    ours = sdp.offer(LOCAL, codecs, secure=secure, random=os.urandom)
    text, theirs = sdp.answer(sdp.parse(ours), Local("192.0.2.2", 30_000, 3), codecs, secure=secure, random=os.urandom)
    mine = sdp.agree(sdp.parse(ours), sdp.parse(text))
    assert mine.codec == theirs.codec and mine.events == theirs.events == theirs.events_in == mine.events_in
    assert (mine.host, mine.port, mine.mux) == ("192.0.2.2", 30_000, True)
    if secure:
        assert mine.keys is not None and theirs.keys is not None
        assert mine.keys == (theirs.keys[1], theirs.keys[0])
    else:
        assert mine.keys is None


@pytest.mark.parametrize(
    "answer",
    [
        offer("m=audio 0 RTP/AVP 0"),
        offer("m=audio 4000 RTP/AVP 9"),
        offer("m=audio 4000 RTP/SAVP 0"),
        offer("m=video 4000 RTP/AVP 31"),
    ],
)
def test_answers_that_refuse(answer: str) -> None:
    with pytest.raises(InvalidInput):
        sdp.agree(sdp.parse(sdp.offer(LOCAL, CODECS, random=os.urandom)), sdp.parse(answer))


def test_answer_may_keep_several_codecs() -> None:
    ours = sdp.parse(sdp.offer(LOCAL, CODECS, random=os.urandom))
    agreed = sdp.agree(ours, sdp.parse(offer("m=audio 4000 RTP/AVP 8 0 101")))
    assert [codec.name for codec in agreed.accept] == ["PCMA", "PCMU"] and agreed.codec.name == "PCMA"
    many = sdp.parse(sdp.offer(LOCAL, ("opus", *CODECS), random=os.urandom))
    agreed = sdp.agree(many, sdp.parse(offer("m=audio 4000 RTP/AVP 96 8 0 101")))
    assert [codec.name for codec in agreed.accept] == ["opus"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=1\r\nm=audio 1 RTP/AVP 0\r\n",
        "v=0\r\n",
        offer("m=audio 70000 RTP/AVP 0"),
        offer("m=audio"),
        offer("m=audio 4000 RTP/AVP 999"),
        offer(c="IN IP4 239.1.2.3"),
        offer(c="IN IP4"),
        offer("m=audio 4000 RTP/AVP 3"),
        offer("m=audio 4000 UDP/TLS/RTP/SAVPF 0"),
        offer("m=audio 0 RTP/AVP 0"),
        "v=0\r\nm=audio 4000 RTP/AVP 0\r\n",
        "v=0\r\n" + "m=audio 4000 RTP/AVP 0\r\n" * 40,
        "v=0\r\n" + "a=x\r\n" * 20_000,
    ],
)
def test_faults_have_a_clear_error(text: str) -> None:
    with pytest.raises(InvalidInput):
        answered(text)


@given(st.data())
def test_mutations_never_break_it(data: st.DataObject) -> None:
    """Parts cut out, doubled or replaced: an answer that we can read ourselves, or InvalidInput."""
    text = offer(lines="a=rtcp:4711 IN IP4 192.0.2.5\r\na=ptime:20\r\na=rtcp-mux\r\n" + SECURE)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(at, min(len(text), at + 12)))
        text = text[:at] + data.draw(st.text(st.characters(max_codepoint=255), max_size=6)) + text[end:]
    try:
        written, _ = answered(text)
    except InvalidInput:
        return
    assert sdp.parse(written).audio


@pytest.mark.parametrize("digits", ["²", "٣", "9" * 5000, "-1", "+1", ""])
@pytest.mark.parametrize(
    "line", ["a=rtcp:{}", "a=rtpmap:{} PCMU/8000", "a=rtpmap:0 PCMU/{}", "a=fmtp:{} x", "a=ptime:{}"]
)
def test_odd_numbers_in_attributes_are_read_over(line: str, digits: str) -> None:
    _, agreed = answered(offer(lines=line.format(digits) + "\r\n"))
    assert agreed.rtcp == ("192.0.2.1", 4001) and agreed.codec.ptime_ms == 20


def test_last_port_has_no_next() -> None:
    assert answered(offer("m=audio 65535 RTP/AVP 0"))[1].rtcp == ("192.0.2.1", 65_535)
    assert answered(offer(lines="a=rtcp:4711 IN IP4 not-an-address\r\n"))[1].rtcp == ("192.0.2.1", 4711)
