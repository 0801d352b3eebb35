"""How good a call sounds, estimated from what the network did to it: the E-model (ITU-T G.107) in short form. Pure."""

from __future__ import annotations

CODECS = {"PCMU": (0.0, 25.1), "PCMA": (0.0, 25.1), "G722": (0.0, 10.0), "opus": (0.0, 15.0)}
"""Equipment impairment Ie and robustness against loss Bpl: G.113 appendix I for G.711 with concealment (appendix I of
G.711); for G722 and Opus, which G.113 does not list in the narrowband scale, the values that are usual in the field."""
BASIC = 93.2
"""R of a call without any impairment (all other parameters of G.107 at their defaults)."""
PLAYOUT_MS = 40.0
"""What an end's jitter buffer adds at the least."""


def rating(codec: str, loss: float, one_way_ms: float) -> float:
    """R, 0 to 93.2. `loss` is a share (0 to 1) of packets lost at random."""
    equipment, robustness = CODECS.get(codec, (0.0, 15.0))
    percent = 100 * min(max(loss, 0.0), 1.0)
    delay = 0.024 * one_way_ms + (0.11 * (one_way_ms - 177.3) if one_way_ms > 177.3 else 0.0)
    return max(0.0, BASIC - delay - equipment - (95 - equipment) * percent / (percent + robustness))


def mos(codec: str, loss: float, jitter_ms: float, round_trip_ms: float | None) -> float:
    """Mean opinion score, 1 (bad) to 4.41 (as good as a telephone gets). G.107 annex B.

    One-way delay is half the round trip, the packet itself, and a jitter buffer of twice the jitter.
    """
    delay = (round_trip_ms or 0.0) / 2 + 20 + max(PLAYOUT_MS, 2 * jitter_ms)
    r = rating(codec, loss, delay)
    return max(1.0, min(4.5, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6))
