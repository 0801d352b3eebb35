"""What a user may see, as a condition that the store can go by: the same rule as `Hub.may_see`."""

from __future__ import annotations

from hub.directory import Directory
from hub.model import User
from hub.permissions import Permission, may
from hub.ports import Scope


def scope_of(directory: Directory, user: User) -> Scope | None:
    """What an agent may see; None for whoever may see everything."""
    if may(user, Permission.CONTACT_READ_ALL):
        return None
    return Scope(user.id, tuple(id for id in directory.queues() if directory.serves(user, id)))
