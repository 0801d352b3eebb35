"""All sharings of this node: read from the log, changed on the version that was decided on, ended when they are due."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, get_args
from weakref import WeakValueDictionary

import structlog
from msgspec import Struct

from channels.cobrowse import session as s
from channels.cobrowse.session import Command, Ending, Limits, Session, Stage, deadline, decide, evolve
from hub.cobrowse_events import Acted
from hub.config_rows import Site
from hub.errors import HubError, NotFound, VersionConflict
from hub.events import Recorded
from hub.machine import SERVED
from hub.model import Customer, Visitor
from hub.ports import Change
from hub.service import Hub

log = structlog.get_logger(__name__)

PREFIX: Final = "cobrowse/"
UNDER_WAY: Final = frozenset({Stage.ASKED, Stage.SHARED, Stage.PAUSED})
TRIES: Final = 8
LOOK_S: Final = 15.0
PAGE: Final = 200
_MOVES: Final = get_args(s.Event)


class _Known(Struct):
    session: Session
    version: int


class Sessions:
    """What is under way is kept in memory; anything else is read when it is asked for."""

    def __init__(self, hub: Hub, limits: Limits | None = None) -> None:
        self._hub = hub
        self.limits = limits or Limits()
        self._known: dict[str, _Known] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # Called with the contact after each change of its sharing, or of the contact while it is shared.
        self.on_change: list[Callable[[str, Session], None]] = []
        # Called with the contact when a sharing is met that began before this process did.
        self.on_found: list[Callable[[str, Session], None]] = []

    async def start(self) -> None:
        self._hub.directory.on_change(self._configured)
        self._hub.follow("cobrowse", self.follow)
        self._task = asyncio.create_task(self._run(), name="cobrowse.deadlines")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _configured(self, kind: str, id: str) -> None:
        """A site that shares no pages any more: looked at by the deadlines' task."""
        if kind == "site":
            self._wake.set()

    def known(self, contact: str) -> Session:
        """The contact's sharing if it is under way and known here; one that is new otherwise."""
        found = self._known.get(contact)
        return found.session if found is not None else Session()

    def under_way(self) -> list[tuple[str, Session]]:
        """Contacts whose pages are asked for or shared, as far as they are known here."""
        return [(contact, known.session) for contact, known in self._known.items()]

    def pages(self, session: Session) -> s.Pages:
        """Which pages the session's site shares, as its settings are now."""
        site = self._hub.directory.sites().get(session.site)
        return pages_of(site)

    async def get(self, contact: str) -> Session:
        """The contact's last sharing; a new one when there was none."""
        return (await self._load(contact)).session

    async def do(
        self, contact: str, command: Command, actor: str, new: tuple[Visitor, Customer] | None = None
    ) -> Session:
        """`new` is who does it, to be stored along when this is the first that he does.

        Raises Refused or Forbidden when the session does not allow it, Unavailable when it cannot be stored."""
        visitor, customer = new or (None, None)
        async with self._locks.setdefault(contact, asyncio.Lock()):
            for _ in range(TRIES):
                known = await self._load(contact)
                state, now = known.session, self._hub.clock.now()
                if state.stage is Stage.ENDED and isinstance(command, s.Ask | s.Offer):
                    state = Session()
                events = decide(state, command, now, self.limits)
                if not events:
                    return state
                change = Change(
                    PREFIX + contact, known.version, tuple(events), now, actor, visitor=visitor, customer=customer
                )
                try:
                    appended = await self._hub.store.log.append(change)
                except VersionConflict:
                    self._known.pop(contact, None)
                    continue
                for recorded in appended.events:
                    self._apply(known, recorded)
                self._known[contact] = known
                self._wake.set()
                return known.session
            raise VersionConflict("This sharing changes too fast. Please try again.")

    async def note(self, contact: str, event: Acted, actor: str) -> None:
        """Writes down what changes nothing of the session."""
        async with self._locks.setdefault(contact, asyncio.Lock()):
            for _ in range(TRIES):
                known = await self._load(contact)
                change = Change(PREFIX + contact, known.version, (event,), self._hub.clock.now(), actor)
                try:
                    appended = await self._hub.store.log.append(change)
                except VersionConflict:
                    self._known.pop(contact, None)
                    continue
                known.version = appended.events[-1].version
                return

    async def _load(self, contact: str) -> _Known:
        found = self._known.get(contact)
        if found is not None:
            return found
        known = _Known(Session(), 0)
        while batch := await self._hub.store.log.stream(PREFIX + contact, known.version, PAGE):
            for recorded in batch:
                self._apply(known, recorded)
        raced = self._known.get(contact)
        if raced is not None and raced.version >= known.version:
            return raced
        if known.session.stage in UNDER_WAY:
            self._known[contact] = known
            self._wake.set()
            for listener in self.on_found:
                listener(contact, known.session)
        return known

    @staticmethod
    def _apply(known: _Known, recorded: Recorded) -> None:
        if recorded.version <= known.version:
            return
        known.version = recorded.version
        if isinstance(recorded.event, _MOVES):
            before = known.session
            if isinstance(recorded.event, s.Asked) and before.stage is Stage.ENDED:
                before = Session()
            known.session = evolve(before, recorded.event)

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader: what other nodes wrote, and contacts that end or change hands."""
        told: dict[str, None] = {}
        for recorded in batch:
            if recorded.stream.startswith(PREFIX):
                contact = recorded.stream.removeprefix(PREFIX)
                known = self._known.get(contact)
                if known is not None and recorded.version > known.version + 1:
                    self._known.pop(contact)
                elif known is not None:
                    self._apply(known, recorded)
                told[contact] = None
            elif recorded.stream in self._known:
                told[recorded.stream] = None
        for contact in told:
            session = await self.get(contact)
            if session.stage in UNDER_WAY:
                session = await self._as_contact(contact, session)
            for listener in self.on_change:
                listener(contact, session)
            if session.stage is Stage.ENDED:
                self._known.pop(contact, None)
        if told:
            self._wake.set()

    async def _as_contact(self, contact: str, session: Session) -> Session:
        """A sharing ends with its contact, and goes with it to whoever has it next."""
        try:
            state = (await self._hub.contacts.get(contact)).contact
        except NotFound:
            return session
        if state.closed_at is not None or (state.agent == session.agent and state.phase not in SERVED):
            return await self.do(contact, s.Over(Ending.CONTACT), "hub")
        if state.phase in SERVED and state.agent is not None and state.agent != session.agent:
            return await self.do(contact, s.Transfer(state.agent), "hub")
        return session

    async def _run(self) -> None:
        """Says `Tick` to whatever is due, and ends what its site no longer wants."""
        while True:
            times = [at for known in self._known.values() if (at := deadline(known.session, self.limits)) is not None]
            pause = LOOK_S if not times else max(0.05, (min(times) - self._hub.clock.now()) / 1000)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(pause, LOOK_S)):
                    await self._wake.wait()
            self._wake.clear()
            now = self._hub.clock.now()
            for contact, known in list(self._known.items()):
                at = deadline(known.session, self.limits)
                off = known.session.stage in UNDER_WAY and not self.pages(known.session).on
                if off or (at is not None and at <= now):
                    try:
                        await self.do(contact, s.Over(Ending.SITE) if off else s.Tick(), "hub")
                    except HubError as error:
                        log.warning("cobrowse.tick_failed", contact=contact, error=error.code)


def pages_of(site: Site | None) -> s.Pages:
    """A site's settings as the machine takes them; a contact without a site shares whatever page its code is for."""
    if site is None:
        return s.Pages(on=True)
    return s.Pages(on=site.cobrowse.on, off=tuple(site.cobrowse.paused))
