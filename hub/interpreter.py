"""Python itself, set for a server that must not pause: its garbage collector and the turns of its threads."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG, MIDDLE, OLD = 700, 2, 1000
TURN_S = 0.0005

_settled = False


def settle() -> None:
    """To be called once everything is built.

    A collection of all objects stops the program for a third of a second with a thousand conversations open, and one
    of the middle generation for 30 ms; hardly anything here dies in cycles. So what was built is not looked at again,
    the middle generation is kept small, and a whole collection comes after some two million objects more.

    The store's thread gives its turn away with each row that it writes and may have to wait a whole one to get it back
    (5 ms by default).
    """
    global _settled
    _settled = True
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    sys.setswitchinterval(TURN_S)


@contextmanager
def building() -> Iterator[None]:
    """While much is built that will stay: nothing is collected, and after `settle` it is not looked at again either."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if _settled:
            gc.freeze()
