"""What an agent does with contacts and customers, as events of the /agent namespace."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from agent_ui import inputs as i
from agent_ui.session import AgentSession
from hub.contacts import Outcome, clean_text
from hub.customers import contacts_with, customer_for, edit_customer
from hub.model import FileRef, User
from hub.permissions import Permission, may
from hub.ports import ContactFilter, SearchHit
from hub.scopes import scope_of
from hub.service import Hub
from hub.sockets import Ack, SocketEvent
from hub.views import customer_json

PAGE = 200
P = Permission


class Actions:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def events(self) -> list[SocketEvent[AgentSession]]:
        return [
            SocketEvent("offer:accept", i.AnswerOffer, self._accept, P.CONTACT_HANDLE),
            SocketEvent("offer:decline", i.AnswerOffer, self._decline, P.CONTACT_HANDLE),
            SocketEvent("contact:sync", i.SyncContact, self._sync, P.CONTACT_HANDLE),
            SocketEvent("message:send", i.Send, self._send, P.CONTACT_HANDLE),
            SocketEvent("typing", i.Typing, self._typing, P.CONTACT_HANDLE),
            SocketEvent("mark", i.Mark, self._mark, P.CONTACT_HANDLE),
            SocketEvent("contact:transfer", i.Transfer, self._transfer, P.CONTACT_TRANSFER),
            SocketEvent("contact:invite", i.Invite, self._invite, P.CONTACT_JOIN),
            SocketEvent("contact:join", i.Act, self._join, P.CONTACT_JOIN),
            SocketEvent("contact:leave", i.Act, self._leave, P.CONTACT_JOIN),
            SocketEvent("contact:hold", i.Act, self._hold, P.CONTACT_HANDLE),
            SocketEvent("contact:resume", i.Act, self._resume, P.CONTACT_HANDLE),
            SocketEvent("contact:close", i.Act, self._close, P.CONTACT_HANDLE),
            SocketEvent("wrapup:finish", i.Finish, self._finish, P.CONTACT_HANDLE),
            SocketEvent("wrapup:extend", i.Act, self._extend, P.CONTACT_HANDLE),
            SocketEvent("contact:edit", i.EditContact, self._edit, P.CONTACT_HANDLE),
            SocketEvent("customer:get", i.GetCustomer, self._customer, P.CONTACT_HANDLE),
            SocketEvent("customer:edit", i.EditCustomer, self._edit_customer, P.CONTACT_HANDLE),
            SocketEvent("search", i.Search, self._search, P.CONTACT_SEARCH),
        ]

    async def _answer(self, outcome: Outcome) -> Ack:
        return {"contact": await self._hub.views.for_agent(outcome.row)}

    async def _accept(self, sid: str, session: AgentSession, data: i.AnswerOffer) -> Ack:
        return await self._answer(await self._hub.accept(session.user, data.contact, data.fence, data.client_id))

    async def _decline(self, sid: str, session: AgentSession, data: i.AnswerOffer) -> Ack:
        await self._hub.decline(session.user, data.contact, data.fence, data.client_id)
        return {}

    async def _sync(self, sid: str, session: AgentSession, data: i.SyncContact) -> Ack:
        row = await self._hub.seen_by(session.user, data.contact)
        messages = await self._hub.store.contacts.messages(
            data.contact, after_seq=data.after, before_n=data.before, limit=PAGE + 1
        )
        more = len(messages) > PAGE
        messages = messages[-PAGE:] if data.before else messages[:PAGE]
        views = self._hub.views
        return {
            "contact": await views.for_agent(row),
            "messages": [views.message(m, for_visitor=False, reader=session.user.id) for m in messages],
            "more": more,
        }

    async def _send(self, sid: str, session: AgentSession, data: i.Send) -> Ack:
        file: FileRef | None = None
        if data.file is not None:
            file = await self._hub.file_of(data.file, data.contact, session.user.id)
        note = data.kind == "note"
        message, _ = await self._hub.say(session.user, data.contact, data.client_id, data.text, file, note=note)
        return {"message": self._hub.views.message(message, for_visitor=False, reader=session.user.id)}

    async def _typing(self, sid: str, session: AgentSession, data: i.Typing) -> Ack:
        contact = (await self._hub.seen_by(session.user, data.contact)).contact
        if session.user.id in (contact.agent, *contact.participants):
            name = self._hub.directory.public_name(session.user.id)
            message = {"contact": contact.id, "by": session.user.id, "name": session.user.name}
            await self._hub.bus.publish("typing", message | {"public_name": name, "on": data.on})
        return {}

    async def _mark(self, sid: str, session: AgentSession, data: i.Mark) -> Ack:
        await self._hub.mark(session.user, data.contact, data.delivered, data.read)
        return {}

    async def _transfer(self, sid: str, session: AgentSession, data: i.Transfer) -> Ack:
        return await self._answer(
            await self._hub.transfer(session.user, data.contact, data.client_id, data.queue, data.agent, data.note)
        )

    async def _invite(self, sid: str, session: AgentSession, data: i.Invite) -> Ack:
        return await self._answer(await self._hub.invite(session.user, data.contact, data.client_id, data.agent))

    async def _join(self, sid: str, session: AgentSession, data: i.Act) -> Ack:
        return await self._answer(await self._hub.join(session.user, data.contact, data.client_id))

    async def _leave(self, sid: str, session: AgentSession, data: i.Act) -> Ack:
        return await self._answer(await self._hub.leave(session.user, data.contact, data.client_id))

    async def _hold(self, sid: str, session: AgentSession, data: i.Act) -> Ack:
        return await self._answer(await self._hub.hold(session.user, data.contact, data.client_id, True))

    async def _resume(self, sid: str, session: AgentSession, data: i.Act) -> Ack:
        return await self._answer(await self._hub.hold(session.user, data.contact, data.client_id, False))

    async def _close(self, sid: str, session: AgentSession, data: i.Act) -> Ack:
        return await self._answer(await self._hub.close(session.user, data.contact, data.client_id))

    async def _finish(self, sid: str, session: AgentSession, data: i.Finish) -> Ack:
        return await self._answer(
            await self._hub.finish(session.user, data.contact, data.client_id, data.outcome, data.note)
        )

    async def _extend(self, sid: str, session: AgentSession, data: i.Act) -> Ack:
        return await self._answer(await self._hub.extend_wrap_up(session.user, data.contact, data.client_id))

    async def _edit(self, sid: str, session: AgentSession, data: i.EditContact) -> Ack:
        subject = None if data.subject is None else clean_text(data.subject, "subject", 200)
        tags = None
        if data.tags is not None:
            tags = tuple(dict.fromkeys(cleaned for tag in data.tags if (cleaned := clean_text(tag, "tags").strip())))
        return await self._answer(await self._hub.edit(session.user, data.contact, data.client_id, subject, tags))

    # --- customers and search -----------------------------------------------------------------------------------

    async def _customer(self, sid: str, session: AgentSession, data: i.GetCustomer) -> Ack:
        rows = await contacts_with(self._hub, session.user, data.customer)
        customer = await customer_for(self._hub, session.user, data.customer)
        return {"customer": customer_json(customer), "contacts": await self._hub.views.for_agents(rows)}

    async def _edit_customer(self, sid: str, session: AgentSession, data: i.EditCustomer) -> Ack:
        names = ("name", "email", "phone", "language", "note", "fields")
        changes = {name: value for name in names if (value := getattr(data, name)) is not None}
        if data.owner is not UNSET:
            changes["owner"] = data.owner
        customer = await edit_customer(self._hub, session.user, data.customer, data.version, changes)
        return {"customer": customer_json(customer)}

    async def _search(self, sid: str, session: AgentSession, data: i.Search) -> Ack:
        where = ContactFilter(
            channels=(data.channel,) if data.channel else (),
            queues=(data.queue,) if data.queue else (),
            phases=(data.phase,) if data.phase else (),
            agents=(data.agent,) if data.agent else (),
            scope=scope_of(self._hub.directory, session.user),
        )
        if not data.query.strip():
            return await self._newest(session.user, data, where)
        hits = await self._hub.store.contacts.search(data.query, where, before=data.before, limit=data.limit)
        # The store's rule and the hub's are one; asked twice, a mistake in either shows nobody too much.
        found = [hit for hit in hits if self._hub.may_see(session.user, hit.contact.contact)]
        before = hits[-1].contact.contact.id if len(hits) == data.limit else None
        return await self._found(found, before)

    async def _newest(self, user: User, data: i.Search, where: ContactFilter) -> Ack:
        """Nothing is looked for: the newest contacts, of an agent his own ones."""
        if not may(user, Permission.CONTACT_READ_ALL):
            where = replace(where, handled_by=(user.id,))
        rows = await self._hub.store.contacts.page(where, after=data.before, limit=data.limit)
        before = rows[-1].contact.id if len(rows) == data.limit else None
        return await self._found([SearchHit(row, ()) for row in rows], before)

    async def _found(self, hits: list[SearchHit], before: str | None) -> Ack:
        contacts = await self._hub.views.for_agents([hit.contact for hit in hits])
        return {
            "hits": [
                {
                    "contact": contact,
                    "snippet": [{"text": text, "hit": is_hit} for text, is_hit in hit.snippet],
                    "n": hit.n,
                }
                for contact, hit in zip(contacts, hits, strict=True)
            ],
            "more": before is not None,
            "before": before,
        }
