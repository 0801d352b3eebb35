"""Which contacts: a ContactFilter as SQL, in pages from the newest on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_

from hub.ports import ContactFilter, Scope
from hub.store import rows
from hub.store.tables import contact_agents, contacts

WAITING = ("created", "queued", "offered")


class ContactsWhere:
    """The contacts that a filter lets through."""

    def __init__(self, where: ContactFilter) -> None:
        self.conditions = _conditions(where)

    def page(self, after: str | None, limit: int) -> Select[Any]:
        """Newest first; after the contact with the id `after` (nothing when it does not exist)."""
        c = contacts.c
        page = select(*rows.CONTACT_COLUMNS).where(*self.conditions)
        if after is not None:
            last = select(c.created_at, c.id).where(c.id == after).correlate(None)
            page = page.where(tuple_(c.created_at, c.id) < last.scalar_subquery())
        return page.order_by(c.created_at.desc(), c.id.desc()).limit(limit)


def _conditions(where: ContactFilter) -> list[ColumnElement[bool]]:
    c = contacts.c
    conditions: list[ColumnElement[bool]] = []
    for column, values in ((c.channel, where.channels), (c.phase, where.phases), (c.queue, where.queues)):
        if values:
            conditions.append(column.in_(values))
    if where.agents:
        conditions.append(c.agent.in_(where.agents))
    if where.handled_by:
        handled = select(contact_agents.c.contact).where(contact_agents.c.agent.in_(where.handled_by))
        conditions.append(c.id.in_(handled))
    if where.customer is not None:
        conditions.append(c.customer == where.customer)
    if where.visitor is not None:
        conditions.append(c.visitor == where.visitor)
    if where.site is not None:
        conditions.append(c.site == where.site)
    if where.open is not None:
        conditions.append(c.phase != "closed" if where.open else c.phase == "closed")
    if where.created_from is not None:
        conditions.append(c.created_at >= where.created_from)
    if where.created_to is not None:
        conditions.append(c.created_at < where.created_to)
    if where.scope is not None:
        conditions.append(_visible(where.scope))
    return conditions


def _visible(scope: Scope) -> ColumnElement[bool]:
    c = contacts.c
    other = contacts.alias("served")
    his = select(contact_agents.c.contact).where(contact_agents.c.agent == scope.agent)
    served = select(other.c.customer).where(
        other.c.id.in_(select(contact_agents.c.contact).where(contact_agents.c.agent == scope.agent)),
        other.c.phase.not_in(("closed", *WAITING)),
        other.c.customer != "",
    )
    return or_(
        c.id.in_(his),
        c.agent == scope.agent,
        and_(c.phase.in_(WAITING), c.queue.in_(scope.queues)),
        c.customer.in_(served),
    )
