"""What a window is told of a sharing."""

from __future__ import annotations

from typing import Any

from channels.cobrowse.session import Session
from hub.service import Hub

Json = dict[str, Any]


def view(hub: Hub, sharing: Session, contact: str, *, visitor: bool = False) -> Json:
    """`visitor`: for the customer's window, else for an agent's; times are the hub's."""
    agent = hub.directory.users().get(sharing.agent)
    name = hub.directory.public_name(sharing.agent) if visitor else (agent.name if agent else "")
    return {
        "contact": contact,
        "session": sharing.id,
        "stage": str(sharing.stage),
        "agent": {"id": None if visitor else sharing.agent, "name": name} if agent else None,
        "joined": sharing.visitor is not None,
        "watchers": _watchers(hub, sharing, visitor),
        "records": hub.records_pages(sharing.site),
        "asked": sorted(sharing.asked),
        "granted": sorted(sharing.granted),
        "pauses": sorted(sharing.pauses),
        "answer_by": sharing.answer_by,
        "expires_at": sharing.expires_at,
        "ending": str(sharing.ending) if sharing.ending else None,
        "now": hub.clock.now(),
    }


def _watchers(hub: Hub, sharing: Session, visitor: bool) -> list[Json]:
    """Who looks on beside the agent, in the order of their ids."""
    directory, others = hub.directory, sorted(sharing.watchers - {sharing.agent})
    if visitor:
        return [{"id": None, "name": directory.public_name(user)} for user in others]
    return [{"id": user, "name": directory.users()[user].name} for user in others if user in directory.users()]
