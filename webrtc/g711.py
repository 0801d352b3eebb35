"""G.711: companding, levels and mixing of 8 kHz speech. The work is done in C by audioop."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Python 3.11 and 3.12 say that it will go; from 3.13 on the package audioop-lts brings it back.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop as audioop

RATE = 8000
SILENCE = {"PCMU": b"\xff", "PCMA": b"\xd5"}
FORMATS = {"PCMU": 7, "PCMA": 6}
"""WAVE format tags."""
LAWS = tuple(SILENCE)

_CODES = bytes(range(256))
TO_A = audioop.lin2alaw(audioop.ulaw2lin(_CODES, 2), 2)
"""bytes.translate table from mu-law to A-law."""
TO_MU = audioop.lin2ulaw(audioop.alaw2lin(_CODES, 2), 2)


def decode(law: str, payload: bytes) -> bytes:
    """To 16-bit samples in the machine's byte order."""
    return audioop.ulaw2lin(payload, 2) if law == "PCMU" else audioop.alaw2lin(payload, 2)


def encode(law: str, samples: bytes) -> bytes:
    return audioop.lin2ulaw(samples, 2) if law == "PCMU" else audioop.lin2alaw(samples, 2)


def table(source: str, sink: str) -> bytes | None:
    """What turns one law into the other by bytes.translate; None for one and the same, or if either is no law."""
    if source == sink or source not in LAWS or sink not in LAWS:
        return None
    return TO_A if sink == "PCMA" else TO_MU


def convert(payload: bytes, source: str, sink: str) -> bytes:
    """From one law to the other; by table, as ITU-T G.711 has it."""
    found = table(source, sink)
    return payload if found is None else payload.translate(found)


def level(law: str, payload: bytes) -> float:
    """Loudness, 0 to 1 of full scale (root mean square)."""
    return audioop.rms(decode(law, payload), 2) / 32_768 if payload else 0.0


def add(one: bytes, other: bytes) -> bytes:
    """The sum of two runs of samples of one length, clipped."""
    return audioop.add(one, other, 2)


def subtract(total: bytes, part: bytes) -> bytes:
    return audioop.add(total, audioop.mul(part, 2, -1), 2)


def resample(samples: bytes, channels: int, rate: int) -> bytes:
    """To 8 kHz mono."""
    if channels == 2:
        samples = audioop.tomono(samples, 2, 0.5, 0.5)
    if rate != RATE:
        samples, _ = audioop.ratecv(samples, 2, 1, rate, RATE, None)
    return samples
