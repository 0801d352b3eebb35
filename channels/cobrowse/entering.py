"""Who enters a code: the event `cobrowse:enter` of /visitor, and the codes of all nodes.

Each node tells the others over the bus which codes it has issued and how often somebody guessed wrong, so a code is
good at whatever node its customer is. That it is good once is not the bus's promise but the log's: the first to join
the sharing is its visitor. A code that a node has not heard of is refused there, and the agent gives another.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final

import structlog
from msgspec import Meta

from channels.chat.socket import VisitorNamespace, VisitorSession
from channels.cobrowse import session as s
from channels.cobrowse.codes import GOOD_MS, Codes
from channels.cobrowse.session import Session, Stage
from channels.cobrowse.sessions import Sessions, pages_of
from channels.cobrowse.views import view
from hub.errors import NotFound, Refused
from hub.ids import new_id
from hub.limits import SharedLimit
from hub.service import Hub
from hub.sockets import Ack, Input, SocketEvent

log = structlog.get_logger(__name__)

TOPIC: Final = "cobrowse.codes"
TRIES: Final = 10  # of one address, right or wrong
TRIES_MS: Final = 600_000


class EnterInput(Input, frozen=True, forbid_unknown_fields=True):
    """Six digits, with spaces as somebody reads them out."""

    code: Annotated[str, Meta(min_length=1, max_length=20)]


class Entering:
    def __init__(self, hub: Hub, sessions: Sessions, visitors: VisitorNamespace) -> None:
        self._hub, self._sessions, self._visitors = hub, sessions, visitors
        self._codes = Codes()
        self._tries = SharedLimit("cobrowse.tried", TRIES, TRIES_MS, hub.bus, hub.clock)
        hub.bus.subscribe(TOPIC, self._heard)
        sessions.on_change.append(self._changed)
        visitors.table.add(*self.events())

    def events(self) -> list[SocketEvent[VisitorSession]]:
        return [SocketEvent("cobrowse:enter", EnterInput, self._enter)]

    async def issue(self, contact: str, site: str) -> str:
        """A code for the contact's sharing, in place of the one before. Raises Unavailable when there are too many."""
        now = self._hub.clock.now()
        code = self._codes.issue(contact, site, now, lambda: secrets.randbelow(1_000_000))
        await self._tell({"k": "issued", "code": code, "contact": contact, "site": site, "until": now + GOOD_MS})
        return code

    def code_of(self, contact: str) -> str | None:
        """The contact's code as far as this node knows."""
        return self._codes.of(contact, self._hub.clock.now())

    async def _enter(self, sid: str, session: VisitorSession, data: EnterInput) -> Ack:
        """A code that never was, is spent, too old, of another site or of a sharing that is over: one answer."""
        hub, known = self._hub, session.visitor
        hub.refuse_blocked(visitor=known.id if known else "", address=session.address)
        site = hub.directory.site(session.site)
        if not pages_of(site).on:
            raise Refused("This site shares no pages.", code="cobrowse.off")
        await self._tries.take(session.address)
        visitor = known or hub.visitors.first(session.site, new_id("en", hub.clock.now()), session.user_agent)
        new = None
        if known is None:
            customer = await hub.visitors.customer_for(visitor, "", "", "", session.locale)
            assert customer is not None, "of a visitor that nobody has seen before"
            new = (visitor, customer)
        try:
            contact = self._codes.redeem(data.code, session.site, hub.clock.now())
            command = s.Enter(visitor.id, session.site, site.cobrowse.record)
            sharing = await self._sessions.do(contact, command, visitor.id, new)
        except (NotFound, Refused) as error:
            if error.code not in ("code.not_found", "cobrowse.over", "cobrowse.code_used"):
                raise
            self._codes.guessed(session.site)
            await self._tell({"k": "guessed", "site": session.site})
            raise NotFound("code") from None
        if session.visitor is None or session.visitor.id != visitor.id:
            await self._visitors.enter(session, visitor)
        return {"token": hub.visitors.token(visitor), "cobrowse": view(hub, sharing, contact, visitor=True)}

    def _changed(self, contact: str, sharing: Session) -> None:
        """Joined or over, at whatever node: its code is spent."""
        if sharing.stage is not Stage.ASKED or sharing.visitor is not None:
            self._codes.void(contact)

    async def _tell(self, message: dict[str, Any]) -> None:
        if self._hub.bus.shared:
            await self._hub.bus.publish(TOPIC, {"node": self._hub.bus.node, **message})

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["node"] == self._hub.bus.node:
            return
        if message["k"] == "issued":
            self._codes.learn(message["code"], message["contact"], message["site"], int(message["until"]))
        else:
            self._codes.guessed(message["site"])
