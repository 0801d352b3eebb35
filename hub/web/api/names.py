"""Names beside the ids of queues and users, and queues found by either."""

from __future__ import annotations

from typing import Any

from hub.web import shapes as s
from hub.web.table import Call


def named_queue(call: Call[Any, Any], id: str | None) -> s.Named | None:
    if id is None:
        return None
    found = call.hub.directory.queues().get(id)
    return s.Named(id, found.name if found is not None else id)


def named_user(call: Call[Any, Any], id: str) -> s.Named:
    return s.Named(id, call.hub.directory.user_name(id))


def queue_id(call: Call[Any, Any], given: str) -> str:
    """The queue with this id or, without regard to case, this name; else what was given."""
    queues = call.hub.directory.queues()
    wanted = given.casefold()
    return given if given in queues else next((id for id, q in queues.items() if q.name.casefold() == wanted), given)
