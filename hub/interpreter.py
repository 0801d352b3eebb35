"""Python itself, set for a server that must not pause or swell, nor stay when it shall go: its garbage collector, the
turns of its threads, where large blocks of memory lie, and threads that nobody waits for."""

import asyncio
import ctypes
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

YOUNG, MIDDLE, OLD = 700, 2, 1000
TURN_S = 0.0005

LARGE = 1024 * 1024
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
ARENAS = 4

_settled = False

P = ParamSpec("P")
T = TypeVar("T")


def give_back() -> None:
    """To be called before anything large is done: blocks from a megabyte on go back to the system once they are freed.

    glibc maps large blocks by themselves, but only until one is freed: blocks of that size then come from the heap of
    the thread that asks, and stay there. Each thread that checked a password kept 19 MB so, and of each that held a
    mail of 50 MB as much; so this is switched off, and the number of such heaps is bounded. Other C libraries have no
    such switch.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_MMAP_THRESHOLD, LARGE)
        tune(_M_ARENA_MAX, ARENAS)


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
    # Without a collection before, which takes 80 ms and finds a few hundred objects.
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


async def unattended(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread` for what may never come back, as reading a disk that is away.

    Python waits for the threads of an executor before it ends; this one is left where it stands.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # what `work` gave

    def run() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = work(*args, **kwargs)
        except BaseException as error:  # told to who asked
            failed = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=run, name="unattended", daemon=True).start()
    return await future
