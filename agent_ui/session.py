"""A signed-in window on the /agent namespace, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.model import User
from hub.permissions import Permission, require

NAMESPACE = "/agent"


def agent_room(agent: str) -> str:
    """All windows of one agent."""
    return f"agent:{agent}"


def contact_room(contact: str) -> str:
    """Windows that have a contact open without holding it."""
    return f"contact:{contact}"


LIVE_ROOM = "live"


@dataclass
class AgentSession:
    """`window` names the browser window; several of them may share one session."""

    sid: str
    user: User
    session: str
    window: str
    watching: set[str] = field(default_factory=set)
    live: bool = False  # it shows the live tables

    @property
    def key(self) -> str:
        return self.user.id

    def require(self, permission: Permission) -> None:
        """Raises Forbidden."""
        require(self.user, permission)
