"""What customers, agents and programs ask of callbacks: the callback channel implements it, REST and sockets use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from hub.callbacks.model import Callback, Result
from hub.callbacks.opening import Slot
from hub.errors import Refused
from hub.model import Millis, Visitor

Text = Annotated[str, Meta(max_length=200)]
Word = Annotated[str, Meta(max_length=64)]
ASAP = "asap"


class NewCallback(Struct, frozen=True, forbid_unknown_fields=True):
    """A callback as somebody wants it: `when` is "asap" or a time (RFC 3339). Its queue is `queue`, or that of the
    site's topic (its id, or as it is called in any language). `timezone` is the customer's own, `contact` the
    conversation that he goes on from: one that waits gives its place to the callback. `consent` is the text that he
    agreed to."""

    phone: Annotated[str, Meta(max_length=80)]
    name: Text = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    topic: Word = ""
    site: Word = ""
    queue: Word = ""
    when: Annotated[str, Meta(max_length=40)] = ASAP
    note: Annotated[str, Meta(max_length=2000)] = ""
    language: Annotated[str, Meta(max_length=35)] = "en"
    timezone: Annotated[str, Meta(max_length=64)] = ""
    contact: Word = ""
    consent: Annotated[str, Meta(max_length=2000)] = ""
    consent_version: Word = ""


class Asker(Struct, frozen=True):
    """Who asks: a visitor or a user by his `id`, from the network's `address`; `origin` is the way ("widget", "rest",
    "agent", "import", "call", "overflow"). With `browser`, which may be stored with it for the first time, his page is
    rung, and he need not have a number."""

    id: str
    origin: str
    address: str = ""
    visitor: str | None = None
    browser: Visitor | None = None


class Taken(Struct, frozen=True):
    """`joined`: the number had a callback already, and this is it."""

    callback: Callback
    joined: bool = False


class SlotLoad(Struct, frozen=True):
    """What a slot has to bear: how many callbacks were promised in it, how many in all are due in it (also those that
    are tried again), and how many it takes; none while its queue is closed."""

    start: Millis
    end: Millis
    promised: int
    due: int
    capacity: int


class Rehearsal:
    """What was found in a list that is only tried: numbers, and how full its slots would be."""

    def __init__(self) -> None:
        self.numbers: set[str] = set()
        self.slots: dict[tuple[str, Millis], int] = {}


class CallbackDesk(Protocol):
    """`key` makes each idempotent for whoever asks."""

    def takes(self) -> bool:
        """Whether customers may be offered one: no trunk may be set up (yet) that calls out."""
        ...

    def keeps_places(self) -> bool:
        """Whether callers who wait on the line are offered one."""
        ...

    def is_called(self, number: str) -> bool:
        """Whether it is a number that may be called, whatever lists say of it."""
        ...

    async def ask(self, new: NewCallback, who: Asker, key: str) -> Taken:
        """Raises InvalidInput, NumberRefused, RateLimited, Forbidden, Refused (`callback.hours`, `callback.full`,
        `callback.off`)."""
        ...

    async def rehearse(self, new: NewCallback, who: Asker, before: Rehearsal) -> bool:
        """Raises what `ask` would; True when it would join one that there is. Nothing is written but `before`."""
        ...

    async def loads(self, queue: str, since: Millis, until: Millis) -> list[SlotLoad]:
        """Those slots that are open or that somebody waits for, in order."""
        ...

    async def slots(self, site: str, topic: str, queue: str, phone: str, timezone: str) -> list[Slot]:
        """Those that can be chosen, within the next days; of a number also by the hours where it is."""
        ...

    async def get(self, id: str) -> Callback:
        """Raises NotFound."""
        ...

    def estimate_s(self, callback: Callback) -> float | None:
        """How long until the customer is called, in seconds; None when nobody can know."""
        ...

    async def move(self, id: str, when: str, by: str, key: str) -> Callback: ...

    async def cancel(self, id: str, by: str, key: str) -> Callback: ...

    async def call_now(self, id: str, by: str, key: str) -> Callback: ...

    async def of_contact(self, contact: str) -> Callback | None:
        """The callback that a contact is, or was promised."""
        ...

    async def dial(self, contact: str, agent: str) -> None:
        """The agent has read enough of the callback that he accepted. Nothing for one that is dialled already; raises
        Refused `contact.not_yours`."""
        ...

    async def put_off(self, id: str, agent: str, minutes: int | None, why: str, key: str) -> Callback:
        """He does not call now: in so many minutes it is asked for again, without any somebody else is asked now.
        Raises Refused `contact.not_yours`, `callback.dialled`."""
        ...

    def most_attempts(self) -> int: ...

    async def give(self, id: str, agent: str | None, by: str, key: str) -> Callback:
        """This agent is asked first from now on."""
        ...

    async def tell(self, id: str, result: Result, by: str, key: str) -> Callback:
        """What the agent heard when it was answered."""
        ...

    async def block(self, typed: str, by: str, source: str) -> str:
        """The number is never called again; it in E.164. A callback that it was promised is closed."""
        ...

    async def block_many(self, typed: Sequence[str], by: str, *, dry_run: bool = False) -> tuple[int, dict[int, str]]:
        """(how many were new, why others were not taken, by their place). With `dry_run` nothing is written."""
        ...

    async def reset_breaker(self, name: str, by: str) -> None: ...

    def on_time_ms(self) -> Millis:
        """How late a first attempt may be and still be in time."""
        ...


def off() -> Refused:
    return Refused("This hub makes no callbacks.", code="callback.off")


def switched_on(desk: CallbackDesk | None) -> CallbackDesk:
    """Raises Refused `callback.off`."""
    if desk is None:
        raise off()
    return desk
