"""Python itself, set for a server that must not pause: its garbage collector and the turns of its threads."""

import gc
import sys

YOUNG, MIDDLE, OLD = 700, 2, 1000
TURN_S = 0.0005


def settle() -> None:
    """To be called once everything is built.

    A collection of all objects stops the program for a third of a second with a thousand conversations open, and one
    of the middle generation for 30 ms; hardly anything here dies in cycles. So what was built is not looked at again,
    the middle generation is kept small, and a whole collection comes after some two million objects more.

    The store's thread gives its turn away with each row that it writes and may have to wait a whole one to get it back
    (5 ms by default).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    sys.setswitchinterval(TURN_S)
