"""A customer's page that is rung, as he asked for: which call rings there, "Answer" and "Not now" in its windows.

Only the visitor whose contact it is may ask. The call lives at the node that dials; a window at another one is heard by
the bus (`elsewhere.py`). From its answer on it is a call from the page like any other (`visitor_phone.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from channels.chat.conversation import ClientId, Conversations, Id
from channels.chat.socket import VisitorNamespace, VisitorSession
from channels.voice import call_values as v
from channels.voice.agent_phone import Sdp
from channels.voice.calls import KIND, Calls
from channels.voice.elsewhere import Elsewhere, Json
from channels.voice.live import LiveCall
from channels.voice.page_ring import At
from channels.voice.visitor_phone import VisitorPhone
from hub.errors import Refused
from hub.sockets import Ack, Input, SocketEvent


class PageCall(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id


class PageTake(PageCall, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`client_id` is the window's own for this call."""

    client_id: ClientId


class PageAnswer(PageTake, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`offer` is complete: all candidates in it."""

    offer: Sdp


class PageDecline(PageCall, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`why`: "not_now", or "unheard" when there is no microphone and another way is to be tried."""

    why: Annotated[str, Meta(pattern="^(not_now|unheard)$")]


class PagePhone:
    def __init__(
        self,
        calls: Calls,
        elsewhere: Elsewhere,
        namespace: VisitorNamespace,
        conversations: Conversations,
        phone: VisitorPhone,
    ) -> None:
        self._calls, self._elsewhere, self._conversations, self._phone = calls, elsewhere, conversations, phone
        elsewhere.serve("page", self._here)
        namespace.table.add(
            SocketEvent("call_standing", PageCall, self._standing),
            SocketEvent("call_take", PageTake, self._take),
            SocketEvent("call_answer", PageAnswer, self._answer),
            SocketEvent("call_decline", PageDecline, self._decline),
        )

    async def _standing(self, sid: str, session: VisitorSession, data: PageCall) -> Ack:
        """How the call stands, for a page that came while it rang; null when there is none."""
        await self._conversations.own(session.visitor, data.contact)
        if not self._calls.hub.roster.there(KIND, data.contact):
            return {"call": None}
        return await self._ask(data.contact, "standing")

    async def _take(self, sid: str, session: VisitorSession, data: PageTake) -> Ack:
        await self._conversations.own(session.visitor, data.contact)
        return await self._ask(data.contact, "take", by=data.client_id)

    async def _answer(self, sid: str, session: VisitorSession, data: PageAnswer) -> Ack:
        row = await self._conversations.own(session.visitor, data.contact)
        answer = await self._ask(data.contact, "answer", by=data.client_id, offer=data.offer)
        return {"contact": await self._calls.hub.views.for_visitor(row), **answer}

    async def _decline(self, sid: str, session: VisitorSession, data: PageDecline) -> Ack:
        await self._conversations.own(session.visitor, data.contact)
        return await self._ask(data.contact, data.why)

    async def _ask(self, contact: str, what: str, **more: Any) -> Ack:
        return await self._elsewhere.ask(contact, "page", {"contact": contact, "what": what, **more})

    # --- at the node where the call lives -----------------------------------------------------------------------------

    async def _here(self, data: Json) -> Json:
        what = data["what"]
        live = self._calls.require(data["contact"])
        if what == "standing":
            known = live.party.visitor is not None
            return {"call": self._phone.state(live) if known else None}
        page = live.call.page
        match what:
            case "take":
                live.give(v.PageTaken(data["by"]))
                self._require_taken(live, data["by"])
                return {"taken": True}
            case "answer":
                return {"answer": await self._leg(live, data["by"], data["offer"])}
            case "unheard" if page.waits:
                live.give(v.PageMissed())
            case "not_now" if page.waits:
                live.give(v.CustomerLeft("rejected"))
        return {}

    async def _leg(self, live: LiveCall, by: str, offer: str) -> str:
        return await self._phone.leg(live, offer, lambda: self._require_taken(live, by))

    def _require_taken(self, live: LiveCall, by: str) -> None:
        """Raises Refused once nothing rings there any more, or another window was quicker."""
        page = live.call.page
        if live.call.over or page.by != by or page.at not in (At.TAKEN, At.TALKS):
            raise Refused("This call does not ring here any more.", code="call.over")
