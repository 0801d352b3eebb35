"""What a user may do, as named permissions, and which of them each role has."""

from __future__ import annotations

from enum import StrEnum

from hub.errors import Forbidden
from hub.model import Role, User


class Permission(StrEnum):
    CONTACT_HANDLE = "contact.handle"  # take offers, write, close
    CONTACT_READ_ALL = "contact.read_all"  # every contact, not only one's own and those waiting for one's skills
    CONTACT_SEARCH = "contact.search"
    CONTACT_TRANSFER = "contact.transfer"
    CONTACT_JOIN = "contact.join"
    CONTACT_CREATE = "contact.create"  # contacts of any channel, by a program
    CALLBACK_ASK = "callback.ask"  # for customers; and change what one asked for oneself or has
    CALLBACK_MANAGE = "callback.manage"  # everybody's
    RECORDING_LISTEN = "recording.listen"  # agents: to calls that they handled
    RECORDING_DOWNLOAD = "recording.download"
    RECORDING_DELETE = "recording.delete"  # and keep one whatever its age
    COBROWSE_WATCH = "cobrowse.watch"  # look on at pages that customers share with others
    CALL_EXPORT = "call.export"  # call detail records of everybody, as CSV
    AGENT_VIEW = "agent.view"  # who the colleagues are and how they are
    LIVE_VIEW = "live.view"  # the supervisor's tables
    AGENT_SET_STATUS = "agent.set_status"  # of somebody else
    AGENT_LOGOUT = "agent.logout"
    ADMIN_USERS = "admin.users"
    ADMIN_CONFIG = "admin.config"
    ADMIN_WEBHOOKS = "admin.webhooks"
    ADMIN_AUDIT = "admin.audit"
    ADMIN_TOKENS = "admin.tokens"
    API_USE = "api.use"  # the hub's own state: status, metrics
    ME_EDIT = "me.edit"


_AGENT = frozenset(
    {
        Permission.CONTACT_HANDLE,
        Permission.CONTACT_SEARCH,
        Permission.CONTACT_TRANSFER,
        Permission.CONTACT_JOIN,
        Permission.CALLBACK_ASK,
        Permission.RECORDING_LISTEN,
        Permission.AGENT_VIEW,
        Permission.ME_EDIT,
    }
)
_SUPERVISOR = _AGENT | {
    Permission.CONTACT_READ_ALL,
    Permission.CONTACT_CREATE,
    Permission.CALLBACK_MANAGE,
    Permission.RECORDING_DOWNLOAD,
    Permission.COBROWSE_WATCH,
    Permission.CALL_EXPORT,
    Permission.LIVE_VIEW,
    Permission.AGENT_SET_STATUS,
    Permission.AGENT_LOGOUT,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: _AGENT,
    Role.SUPERVISOR: _SUPERVISOR,
    Role.ADMINISTRATOR: frozenset(Permission),
}


def may(user: User, permission: Permission) -> bool:
    return not user.disabled and permission in ROLE_PERMISSIONS[user.role]


def require(user: User, permission: Permission) -> None:
    """Raises Forbidden, with the permission that is missing in `details`, unless the user's role has it."""
    if not may(user, permission):
        raise Forbidden("Your role does not allow this.", details={"permission": str(permission)})
