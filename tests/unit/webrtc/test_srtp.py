"""The quick functions of webrtc/srtp.py against pylibsrtp's own methods."""

from __future__ import annotations

import pytest
from pylibsrtp import Error, Policy, Session

from webrtc import srtp

PROFILES = {
    "gcm-256": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    "gcm-128": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "cm": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
}


def sessions(profile: str) -> tuple[Session, Session]:
    """A sender and its receiver."""
    number, size = PROFILES[profile]
    made = [
        Session(Policy(key=bytes(range(size)), ssrc_type=kind, srtp_profile=number))
        for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
    ]
    return made[0], made[1]


def packet(sequence: int, size: int = 160) -> bytes:
    return b"\x80\x00" + sequence.to_bytes(2) + bytes(4) + b"\x00\x00\x00\x07" + bytes([sequence & 255]) * size


REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


@pytest.mark.parametrize("profile", PROFILES)
def test_each_understands_the_other(profile: str) -> None:
    (sender, receiver), (one, other) = sessions(profile), sessions(profile)
    protect, unprotect = srtp.protector(sender), srtp.unprotector(receiver)
    for n, size in enumerate((160, 1, 0, 1200, 160), 100):
        plain = packet(n, size)
        protected = protect(plain)
        assert protected == one.protect(plain)
        assert other.unprotect(protected) == plain == unprotect(protected)
    report = srtp.rtcp_protector(sender)(REPORT)
    assert report == one.protect_rtcp(REPORT)
    assert other.unprotect_rtcp(report) == REPORT == srtp.rtcp_unprotector(receiver)(report)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_damaged_replayed_short_or_too_long_is_refused(profile: str) -> None:
    sender, receiver = sessions(profile)
    protect, unprotect = srtp.protector(sender), srtp.unprotector(receiver)
    protected = protect(packet(1))
    damaged = protected[:20] + bytes([protected[20] ^ 1]) + protected[21:]
    assert unprotect(protected) == packet(1)
    for wrong in (protected, damaged, protected[:-1], protected[:12], b"\x80", b"", packet(2), bytes(srtp.LONGEST + 1)):
        with pytest.raises(Error):
            unprotect(wrong)
    for wrong in (bytes(3000), b""):
        with pytest.raises(Error):
            protect(wrong)
    # It goes on as if nothing had been.
    assert unprotect(protect(packet(3))) == packet(3)


def test_the_sequence_number_may_wrap() -> None:
    sender, receiver = sessions("gcm-256")
    protect, unprotect = srtp.protector(sender), srtp.unprotector(receiver)
    for n in range(65_500, 65_600):
        assert unprotect(protect(packet(n & 0xFFFF))) == packet(n & 0xFFFF)
