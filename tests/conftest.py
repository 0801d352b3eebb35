"""What every test may use. `from tests.peers import require` names a program that a test cannot do without."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

OURS = ("hub", "routing", "mail", "webrtc", "channels", "agent_ui", "widget")

# A slow machine is no reason to fail; in CI the examples are the same each time, so that a red run can be repeated.
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("developer"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


# Where Python is told to keep no byte code, each of the hundreds of hubs that tests start would compile itself again,
# for half a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell that starts us in the background lets SIGINT be ignored, and the processes that we start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """A thread that never ends would keep the whole run from its end, without a word; this says which, and ends it.

    Workers that have nothing more to do wait for the others, and are ended by who started them.
    """
    if not hasattr(config, "workerinput"):
        faulthandler.dump_traceback_later(60, exit=True, file=2)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on how the machine is set up: proxies would catch requests to 127.0.0.1."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def _may_block(otherwise: Callable[..., bool], *args: Any, **kwargs: Any) -> bool:
    """A loop that somebody runs for himself in a worker thread (asyncio.to_thread) holds up nobody else."""
    return threading.current_thread().name.startswith("asyncio_") or otherwise(*args, **kwargs)


@pytest.fixture(autouse=True, scope="session")
def no_blocking_calls() -> Iterator[None]:
    """A call of ours that waits on the event loop's thread (a file, a database, a socket, sleep) raises BlockingError.

    Everybody's messages wait behind such a call. Looking at a path is let pass: it takes microseconds.
    """
    waiting = BlockBuster(scanned_modules=OURS)
    for name, function in waiting.functions.items():
        if name.startswith(("time.", "io.", "socket.", "ssl.", "sqlite3.")) or name in {"os.read", "os.write"}:
            function.can_block_predicate = partial(_may_block, function.can_block_predicate)
            # Read once a process and kept by zoneinfo.
            function.can_block_in("zoneinfo/_common.py", {"load_data", "load_tzdata"})
            function.activate()
    yield
    for function in waiting.functions.values():
        function.deactivate()
