"""Which events a conversation shows as a line of its own, as a code with data that each client puts into words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hub import events as e
from hub.model import Contact


class Line(NamedTuple):
    """`internal` lines are for agents only."""

    code: str
    data: dict[str, Any]
    internal: bool = False


def line_for(
    event: e.ContactEvent, before: Contact, agent_name: Callable[[str], str], queue_name: Callable[[str], str]
) -> Line | None:
    """The line of `event`, or None. `before` is the contact as it was; the two callables give names to show."""
    match event:
        case e.ContactConnected() if before.media:
            return Line("call_began", {"name": agent_name(event.agent)})
        case e.CallEnded() if event.talk_ms:
            return Line("call_ended", {"ms": event.talk_ms})
        case e.ContactConnected():
            return Line("joined", {"name": agent_name(event.agent)})
        case e.ContactTransferred(to_agent=str(agent)):
            return Line("transferred_agent", {"from": agent_name(event.agent), "name": agent_name(agent)})
        case e.ContactTransferred(to_queue=str(queue)):
            return Line("transferred_queue", {"from": agent_name(event.agent), "queue": queue_name(queue)})
        case e.ContactRequeued():
            return Line("requeued", {"name": agent_name(event.agent)})
        case e.ParticipantInvited():
            return Line("invited", {"name": agent_name(event.agent), "by": agent_name(event.by)}, internal=True)
        case e.ParticipantJoined():
            return Line("joined", {"name": agent_name(event.agent)})
        case e.ParticipantLeft() if event.agent in before.participants:
            return Line("left", {"name": agent_name(event.agent)})
        case e.ContactAbandoned() | e.ContactEnded():
            if event.reason == "idle":
                return Line("idle_closed", {})
            by = event.by if event.by in ("visitor", "system") else "agent"
            name = agent_name(event.by) if by == "agent" else ""
            return Line("ended", {"by": by, "name": name, "reason": event.reason})
        case e.CustomerRecognised():
            return Line("identified", {}, internal=True)
        case e.VisitorReminded():
            return Line("reminder", {})
        case e.ContactReopened():
            return Line("reopened", {"reason": event.reason}, internal=True)
        case e.ContactEscalated():
            return Line(f"escalated_{event.stage}", {"due": event.due}, internal=True)
        case e.ContactQueued(reason="overflow"):
            return Line("overflowed", {"queue": queue_name(event.queue)}, internal=True)
        case e.ChannelChanged() | e.ContactUpgraded():
            return Line("channel_changed", {"channel": str(event.channel)}, internal=True)
        case e.ContactQueued(reason="new"):
            return Line("queued", {"queue": queue_name(event.queue)}, internal=True)
        case e.ContactRated():
            return Line("rated", {"score": event.score, "comment": event.comment}, internal=True)
        case _:
            return None
