"""What the hub and the process that classifies say to each other: msgpack, each message after its length."""

from __future__ import annotations

import struct

from msgspec import Struct

from hub.sorting import GuessedQueue, LearnedQueue

LENGTH = struct.Struct("!I")
MOST = 256 * 1024 * 1024


class Sample(Struct, frozen=True):
    """A mail's text and the queue that it belonged to."""

    queue: str
    text: str


class Learn(Struct, frozen=True, tag=True):
    """Answered by `Learned`."""

    samples: list[Sample]


class Guess(Struct, frozen=True, tag=True):
    """Answered by `Guessed`; with no queues where nothing was learned."""

    text: str


class Learned(Struct, frozen=True, tag=True):
    """`problem` is empty where something was learned; `mails` is of how many. `accuracy` is over mails that were kept
    apart."""

    mails: int
    queues: tuple[LearnedQueue, ...] = ()
    accuracy: float | None = None
    problem: str = ""


class Guessed(Struct, frozen=True, tag=True):
    queues: list[GuessedQueue]
