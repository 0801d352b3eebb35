"""Ports for what tests start.

Not those that the system gives away: until a server has taken one of these, a client's connection may get it. So they
come from below the system's own and from below those of audio, each process of a run has its own share, and none is
given twice in a row. The three above each are free as well: a demo's viewer and test phone stand there.
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

FIRST, LAST, APART = 10_000, 20_000, 4
SHARES = 4


def _ports() -> Iterator[int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw3").removeprefix("gw")
    size = (LAST - FIRST) // SHARES // APART
    first = FIRST + (int(worker) % SHARES) * size * APART
    # Runs beside each other, and one after another, begin at different ones.
    return itertools.cycle([first + (os.getpid() * 97 + n) % size * APART for n in range(size)])


_next = _ports()


def _free(port: int) -> bool:
    with ExitStack() as stack:
        try:
            for near in range(port, port + APART):
                stack.enter_context(socket.create_server(("127.0.0.1", near)))
                datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                datagrams.bind(("127.0.0.1", near))
        except OSError:
            return False
    return True


def free_port() -> int:
    """One that nobody listens on now, for connections and for datagrams."""
    return next(port for port in _next if _free(port))
