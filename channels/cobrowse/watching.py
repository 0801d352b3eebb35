"""Who looks at a shared page: its agent, who takes part in the conversation, and supervisors, who join without taking
the contact. The log has when each of them came and went, and the customer is told their names before anything of the
page gets to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

from channels.cobrowse import session as s
from channels.cobrowse.desk import Ticket, may_watch
from channels.cobrowse.session import Session
from channels.cobrowse.sessions import Sessions
from hub.service import Hub

# So long a window that is loaded anew still counts.
BACK_S: Final = 3.0


class End(Protocol):
    """A socket on the line."""

    @property
    def ticket(self) -> Ticket: ...


class Watching:
    """`ends` are the sockets on the line at this node; `later` does work that nobody waits for, `cut` ends a socket."""

    def __init__(
        self,
        hub: Hub,
        sessions: Sessions,
        ends: Mapping[str, End],
        later: Callable[[Coroutine[Any, Any, None]], None],
        cut: Callable[[str], None],
    ) -> None:
        self._hub, self._sessions, self._ends = hub, sessions, ends
        self._later, self._cut = later, cut
        hub.directory.on_change(self._configured)
        hub.roster.on_change("agent", self._moved)

    async def came(self, ticket: Ticket) -> None:
        """Raises Refused when the sharing has ended meanwhile."""
        await self._sessions.do(ticket.contact, s.Watch(ticket.who), ticket.who)

    def left(self, ticket: Ticket) -> None:
        self._later(self._gone(ticket.contact, ticket.who))

    def changed(self, contact: str, sharing: Session) -> None:
        """Of the sharing or of its contact: whoever may not look any more is cut off."""
        if not self._live(sharing):
            return
        for sid, end in list(self._ends.items()):
            ticket = end.ticket
            if ticket.contact != contact or ticket.visitor:
                continue
            if not self._may(ticket, sharing):
                self._cut(sid)
            elif ticket.who not in sharing.watchers:
                # Another node has seen a window of his go and knows nothing of this one.
                self._later(self.came(ticket))

    def found(self, contact: str, sharing: Session) -> None:
        """A sharing from before this process: whoever looked comes back soon, or not at all."""
        for who in sharing.watchers:
            self._later(self._gone(contact, who, known=not self._hub.bus.shared))

    def _may(self, ticket: Ticket, sharing: Session) -> bool:
        row, user = self._hub.living.get(ticket.contact), self._hub.directory.users().get(ticket.who)
        return row is not None and user is not None and may_watch(self._hub, user, sharing, row.contact)

    @staticmethod
    def _live(sharing: Session) -> bool:
        return sharing.stage in s.LIVE

    async def _gone(self, contact: str, who: str, *, known: bool = True) -> None:
        """`known`: he was at this node. Else he is elsewhere as long as any node has a window of his."""
        await asyncio.sleep(BACK_S)
        here = any(end.ticket.contact == contact and end.ticket.who == who for end in self._ends.values())
        if here or not (known or not self._hub.roster.there("agent", who)):
            return
        sharing = self._sessions.known(contact)
        if self._live(sharing) and who in sharing.watchers:
            await self._sessions.do(contact, s.Unwatch(who), who)

    def _moved(self, who: str, there: bool) -> None:
        """His last window is gone, perhaps with the node that it was at."""
        if not there:
            for contact, sharing in self._sessions.under_way():
                if who in sharing.watchers:
                    self._later(self._gone(contact, who, known=False))

    def _configured(self, kind: str, id: str) -> None:
        """A user's new rights hold at once."""
        if kind == "user":
            for contact in {end.ticket.contact for end in self._ends.values() if end.ticket.who == id}:
                self.changed(contact, self._sessions.known(contact))
