"""Python itself, set for a server that must not pause, nor stay when it shall go: its garbage collector, the turns of
its threads, and those that nobody waits for."""

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

YOUNG, MIDDLE, OLD = 700, 2, 1000
TURN_S = 0.0005

_settled = False

P = ParamSpec("P")
T = TypeVar("T")


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

    threading.Thread(target=run, name=f"unattended {work.__name__}", daemon=True).start()
    return await future
