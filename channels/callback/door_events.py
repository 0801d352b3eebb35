"""What the widget asks of callbacks on the /visitor namespace, and how it is told what becomes of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from channels.callback.door import (
    AskInput,
    CancelInput,
    CheckInput,
    ConfirmInput,
    Door,
    Guest,
    HeldInput,
    MoveInput,
    SlotsInput,
)
from hub.callbacks.model import Callback
from hub.events import CallbackMoved, Recorded
from hub.model import Visitor
from hub.service import Hub
from hub.sockets import Ack, EventTable, Nothing, SocketEvent

WATCHED = 20
"""So many callbacks one window may follow."""
PRUNED_AT = 1_000


class Session(Protocol):
    """A panel, as `channels/chat/socket.py` keeps it."""

    @property
    def site(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def visitor(self) -> Visitor | None: ...
    @property
    def user_agent(self) -> str: ...


class Windows(Protocol):
    """The namespace: its events, and a way to tell one window something."""

    table: EventTable

    def here(self, sid: str) -> bool: ...

    async def enter(self, session: Any, visitor: Visitor) -> None: ...

    async def tell(self, sid: str, event: str, data: dict[str, Any]) -> None: ...


class DoorEvents:
    def __init__(self, hub: Hub, windows: Windows, door: Door) -> None:
        self._hub, self._windows, self._door = hub, windows, door
        self._watching: dict[str, set[str]] = {}  # callback -> windows that show it
        windows.table.add(
            SocketEvent("callback:begin", Nothing, self._begin),
            SocketEvent("callback:check", CheckInput, self._check),
            SocketEvent("callback:slots", SlotsInput, self._slots),
            SocketEvent("callback:ask", AskInput, self._ask),
            SocketEvent("callback:status", HeldInput, self._status),
            SocketEvent("callback:move", MoveInput, self._move),
            SocketEvent("callback:cancel", CancelInput, self._cancel),
            SocketEvent("callback:confirm", ConfirmInput, self._confirm),
        )

    async def start(self) -> None:
        """After the hub has started."""
        self._hub.follow("callback-windows", self._follow)

    async def _begin(self, sid: str, session: Session, data: Nothing) -> Ack:
        return await self._door.begin(_guest(session))

    async def _check(self, sid: str, session: Session, data: CheckInput) -> Ack:
        return await self._door.check(_guest(session), data)

    async def _slots(self, sid: str, session: Session, data: SlotsInput) -> Ack:
        return await self._door.slots(_guest(session), data)

    async def _ask(self, sid: str, session: Session, data: AskInput) -> Ack:
        answer, visitor = await self._door.ask(_guest(session), data)
        if visitor is not None:
            if session.visitor is None:
                await self._windows.enter(session, visitor)
            answer["visitor_token"] = self._hub.visitors.token(visitor)
        return answer

    async def _status(self, sid: str, session: Session, data: HeldInput) -> Ack:
        callback = await self._door.held(data)
        self._watch(sid, callback)
        return self._seen(callback)

    async def _move(self, sid: str, session: Session, data: MoveInput) -> Ack:
        return self._seen(await self._door.move(data))

    async def _cancel(self, sid: str, session: Session, data: CancelInput) -> Ack:
        return self._seen(await self._door.cancel(data))

    async def _confirm(self, sid: str, session: Session, data: ConfirmInput) -> Ack:
        return self._seen(await self._door.confirm(data))

    def _seen(self, callback: Callback) -> Ack:
        return {"callback": self._door.view(callback)}

    # --- pushes -------------------------------------------------------------------------------------------------------

    def _watch(self, sid: str, callback: Callback) -> None:
        """Tells this window of each change from now on."""
        windows = self._watching.get(callback.id, set())
        if sid in windows or not callback.living:
            return
        if sum(sid in others for others in self._watching.values()) >= WATCHED:
            return  # it may still ask
        if len(self._watching) >= PRUNED_AT:
            self._prune()
        self._watching.setdefault(callback.id, set()).add(sid)

    def _prune(self) -> None:
        here = {id: {sid for sid in sids if self._windows.here(sid)} for id, sids in self._watching.items()}
        self._watching = {id: sids for id, sids in here.items() if sids}

    async def _follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        moved = {recorded.stream for recorded in batch if isinstance(recorded.event, CallbackMoved)}
        for id in moved & self._watching.keys():
            callback = await self._hub.store.callbacks.get(id)
            if callback is None:
                continue
            for sid in self._watching[id]:
                if self._windows.here(sid):
                    await self._windows.tell(sid, "callback", self._door.view(callback))
            if not callback.living:
                del self._watching[id]


def _guest(session: Session) -> Guest:
    known = session.visitor
    return Guest(session.site, session.address, known.id if known else None, known, session.user_agent)
