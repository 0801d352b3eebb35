"""One call that lives at this node: its machine, and the two lanes in which its outputs are carried out.

What the machine wants of signalling and media goes one way, what it wants of the contact another, each in order: a slow
disk delays no sound. What goes wrong on the way is told to the machine or left to its deadlines.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from channels.voice import call_values as v
from channels.voice.call import Call
from hub.model import Millis

log = structlog.get_logger(__name__)

CONTACT_OUTPUTS = (v.Connect, v.End, v.Lose, v.Note, v.Enter, v.KeepPlace, v.Await, v.NeverCall)
Work = Callable[[], Awaitable[None]]
T = TypeVar("T")


@dataclass
class Party:
    """What is known of the customer's side."""

    caller: str = ""
    called: str = ""
    trunk: str = ""
    sip: str | None = None  # the user agent's name of his leg
    sdp: str = ""  # our last description of it
    codec: str = "PCMU"
    visitor: str | None = None
    language: str = "en"


class Lane:
    """Carries out one thing after the other; what fails is logged and the next one follows."""

    def __init__(self, name: str) -> None:
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name=name)

    def put(self, work: Work) -> None:
        self._queue.put_nowait(work)

    async def _run(self) -> None:
        while True:
            work = await self._queue.get()
            try:
                await work()
            except Exception:
                log.exception("call.step_failed", lane=self._task.get_name())
            finally:
                self._queue.task_done()

    async def done(self) -> None:
        """Returns when nothing is left to do; then it takes no more."""
        await self._queue.join()
        await self.stop()

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@dataclass
class LiveCall:
    """`carry_out(live, output)` is asked for each of the machine's outputs; `queue` is where the contact waits."""

    call: Call
    now: Callable[[], Millis]
    carry_out: Callable[[LiveCall, v.Output], None]
    party: Party = field(default_factory=Party)
    queue: str = ""
    since: Millis = 0
    agent_phone: bool = False  # the agent's leg is a telephone's: its signalling says whether it is there
    flow: str = ""  # that he went through
    recorded: str = ""  # the recording that was begun last

    def __post_init__(self) -> None:
        self.media = Lane(f"call.media.{self.id}")
        self.log = Lane(f"call.log.{self.id}")
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    @property
    def id(self) -> str:
        """The contact's id, which is the call's too."""
        return self.call.contact

    def give(self, *inputs: v.Input) -> None:
        """Tells the machine what happened and begins to carry out what follows."""
        for input in inputs:
            for output in self.call.handle(input, self.now()):
                self.carry_out(self, output)
        self._arm()

    async def in_media(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Does `work` when everything before it is done with the media; what it raises is raised here."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def step() -> None:
            try:
                result = await work()
            except Exception as error:
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(result)

        self.media.put(step)
        return await done

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.call.deadline
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0, deadline - self.now()) / 1000, self.give, v.Tick())

    async def stop(self) -> None:
        """Frees it without waiting for what is under way."""
        if self._timer is not None:
            self._timer.cancel()
        await self.media.stop()
        await self.log.stop()
