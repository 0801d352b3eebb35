"""What customers, agents and programs ask of callbacks: the callback channel implements it, REST and sockets use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from hub.callbacks.model import Callback, Result
from hub.callbacks.opening import Slot
from hub.errors import Refused
from hub.model import Millis

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
    "agent", "import", "call", "overflow")."""

    id: str
    origin: str
    address: str = ""
    visitor: str | None = None


class Taken(Struct, frozen=True):
    """`joined`: the number had a callback already, and this is it."""

    callback: Callback
    joined: bool = False


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

    async def give(self, id: str, agent: str | None, by: str, key: str) -> Callback:
        """This agent is asked first from now on."""
        ...

    async def tell(self, id: str, result: Result, by: str, key: str) -> Callback:
        """What the agent heard when it was answered."""
        ...

    async def block(self, typed: str, by: str, source: str) -> str:
        """The number is never called again; it in E.164. A callback that it was promised is closed."""
        ...

    async def block_many(self, typed: Sequence[str], by: str) -> tuple[int, dict[int, str]]:
        """(how many were new, why others were not taken, by their place)."""
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
