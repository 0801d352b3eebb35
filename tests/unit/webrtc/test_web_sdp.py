"""A browser's offers, and the answers to them; without aiortc."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from tests.unit.webrtc.offers import CHROMIUM, VIDEO
from webrtc.stream import Codec
from webrtc.web_sdp import Candidate, Fingerprint, WebOffer, advertised, choose_codec, read_offer, write_answer

OURS = (
    Candidate("a", 2130706431, "10.0.0.5", 20_000, "host"),
    Candidate("b", 1694498815, "203.0.113.9", 20_000, "srflx", ("10.0.0.5", 20_000)),
)


def answer_to(offer: WebOffer, codecs: tuple[str, ...] = ("PCMU", "PCMA")) -> str:
    codec, events = choose_codec(offer, codecs)
    return write_answer(
        offer,
        codec=codec,
        events=events,
        username="abcd",
        password="x" * 22,
        fingerprint=Fingerprint("sha-256", ":".join(["0A"] * 32)),
        candidates=OURS,
        session=5,
        ssrc=7,
        cname="hub",
    )


def test_what_an_offer_says() -> None:
    offer = read_offer(CHROMIUM)
    assert (offer.username, offer.password, offer.setup) == ("Z9Zx", "8KKMyOiSQZ6OC0CiGDlWyZ1x", "actpass")
    assert offer.sends and offer.receives and not offer.lite
    # Neither names (mDNS) nor TCP.
    assert [(c.host, c.port, c.type) for c in offer.candidates] == [
        ("192.168.1.20", 46344, "host"),
        ("203.0.113.7", 61000, "srflx"),
        ("198.51.100.3", 50123, "relay"),
    ]
    assert offer.fingerprints[0].algorithm == "sha-256"
    assert offer.fingerprints[0].value.endswith(":1A:1B")
    assert list(offer.rtpmaps) == [111, 63, 9, 0, 8, 13, 110, 126]


@pytest.mark.parametrize(
    ("codecs", "codec", "events"),
    [
        (("PCMU", "PCMA"), Codec("PCMU", 0), 126),
        (("PCMA", "PCMU"), Codec("PCMA", 8), 126),
        (("G722",), Codec("G722", 9), 126),
        (("opus", "PCMU"), Codec("opus", 111, 48_000), 110),
    ],
)
def test_our_order_decides_on_the_codec_and_its_clock_on_the_events(
    codecs: tuple[str, ...], codec: Codec, events: int
) -> None:
    assert choose_codec(read_offer(CHROMIUM), codecs) == (codec, events)


def test_static_payload_types_need_no_map_and_events_may_be_missing() -> None:
    bare = "\r\n".join(line for line in CHROMIUM.split("\r\n") if "rtpmap" not in line)
    assert choose_codec(read_offer(bare), ("PCMA",)) == (Codec("PCMA", 8), None)
    assert "telephone-event" not in answer_to(read_offer(bare))


def test_answer_has_one_codec_and_refuses_other_sections() -> None:
    answer = answer_to(read_offer(CHROMIUM + VIDEO))
    lines = answer.split("\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 20000 UDP/TLS/RTP/SAVPF 0 126",
        "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ]
    assert "a=group:BUNDLE 0" in lines
    assert "a=setup:active" in lines
    assert "a=rtpmap:126 telephone-event/8000" in lines
    assert "a=candidate:b 1 udp 1694498815 203.0.113.9 20000 typ srflx raddr 10.0.0.5 rport 20000" in lines
    assert not any("opus" in line or "extmap" in line for line in lines)
    # It is read as it was meant.
    again = read_offer(answer)
    assert again.candidates[0] == OURS[0]
    assert again.setup == "active"


def test_video_first_is_refused_and_audio_answered() -> None:
    head, audio = CHROMIUM.split("m=audio", 1)
    answer = answer_to(read_offer(f"{head}{VIDEO}m=audio{audio}"))
    assert [line.split()[:2] for line in answer.split("\r\n") if line.startswith("m=")] == [
        ["m=video", "0"],
        ["m=application", "0"],
        ["m=audio", "20000"],
    ]


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_direction_is_mirrored(offered: str, answered: str) -> None:
    offer = read_offer(CHROMIUM.replace("a=sendrecv", f"a={offered}"))
    assert f"a={answered}" in answer_to(offer).split("\r\n")
    assert (offer.sends, offer.receives) == (offered in ("sendrecv", "sendonly"), offered in ("sendrecv", "recvonly"))


@pytest.mark.parametrize(("offered", "answered"), [("actpass", "active"), ("active", "passive"), ("passive", "active")])
def test_who_opens_the_handshake(offered: str, answered: str) -> None:
    assert f"a=setup:{answered}" in answer_to(read_offer(CHROMIUM.replace("actpass", offered)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("v=0", "v=1", "v=0"),
        ("m=audio 46344 UDP/TLS/RTP/SAVPF", "m=audio 46344 RTP/AVP", "DTLS-SRTP"),
        ("m=audio 46344", "m=audio 0", "audio section"),
        ("a=rtcp-mux\r\n", "", "rtcp-mux"),
        ("a=ice-ufrag:Z9Zx\r\n", "", "ICE credentials"),
        ("a=ice-pwd:8KKMyOiSQZ6OC0CiGDlWyZ1x", "a=ice-pwd:short", "ICE credentials"),
        ("a=setup:actpass", "a=setup:holdconn", "holdconn"),
        ("a=fingerprint:sha-256", "a=fingerprint:md5", "fingerprint"),
        (":1a:1b", ":1a", "32 hexadecimal bytes"),
        (":1a:1b", ":1a:zz", "32 hexadecimal bytes"),
        ("m=audio 46344 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126", "m=audio", "m=kind port profile formats"),
    ],
)
def test_what_cannot_be_answered_says_why(old: str, new: str, words: str) -> None:
    assert old in CHROMIUM
    with pytest.raises(InvalidInput, match=words):
        read_offer(CHROMIUM.replace(old, new))


def test_no_common_codec_says_which_were_wanted() -> None:
    offer = read_offer(CHROMIUM.replace(" 9 0 8 13", " 9"))
    with pytest.raises(InvalidInput, match="PCMU, PCMA"):
        choose_codec(offer, ("PCMU", "PCMA"))


def test_an_endless_offer_is_not_read() -> None:
    with pytest.raises(InvalidInput, match="64000"):
        read_offer(CHROMIUM + "a=x:y\r\n" * 20_000)


def test_a_public_address_is_told_first_and_the_own_one_too() -> None:
    local = (*OURS, Candidate("c", 1, "fd00::5", 20_002, "host"), Candidate("d", 1, "127.0.0.1", 20_004, "host"))
    assert advertised(local, "") == local
    told = advertised(local, "203.0.113.9")
    assert [(c.host, c.port, c.type) for c in told] == [
        # The same as what STUN found: told once.
        ("203.0.113.9", 20_000, "host"),
        ("10.0.0.5", 20_000, "host"),
        ("fd00::5", 20_002, "host"),
        ("127.0.0.1", 20_004, "host"),
    ]
    assert told[0].priority == OURS[0].priority > told[1].priority > 2**30
    assert told[0].foundation != told[1].foundation
    assert [c.host for c in advertised(local, "2001:db8::1")][2:4] == ["2001:db8::1", "fd00::5"]


LINES = CHROMIUM.split("\r\n")


@given(
    cut=st.lists(st.integers(0, len(LINES) - 1), max_size=6),
    swapped=st.tuples(st.integers(0, len(LINES) - 1), st.text(max_size=30)),
    tail=st.text(max_size=60),
)
def test_a_damaged_offer_is_answered_or_refused_and_nothing_else(
    cut: list[int], swapped: tuple[int, str], tail: str
) -> None:
    lines = list(LINES)
    lines[swapped[0]] = lines[swapped[0]][: len(swapped[1])] + swapped[1]
    text = "\r\n".join(line for n, line in enumerate(lines) if n not in cut) + tail
    try:
        answer = answer_to(read_offer(text), ("PCMU", "PCMA", "opus"))
    except InvalidInput:
        return
    assert answer.count("\nm=") == text.replace("\r\n", "\n").count("\nm=")
