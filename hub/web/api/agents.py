"""Agents: who could handle contacts, how they are, and setting it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from hub.errors import InvalidInput, NotFound
from hub.model import PresenceState, User
from hub.permissions import Permission, may, require
from hub.service import Hub
from hub.web import shapes as s
from hub.web.paging import page_of
from hub.web.table import Call, Input, Nothing, Table

table = Table("Agents")


def agent_view(hub: Hub, user: User) -> s.Agent:
    presence = hub.presence.get(user.id)
    return s.Agent(
        user.id,
        user.name,
        user.username,
        str(user.role),
        user.skills,
        s.Presence(str(presence.state), presence.reason, presence.since, presence.epoch),
        hub.presence.connected(user.id),
        hub.routing.load(user.id),
    )


def _agent(hub: Hub, id: str) -> User:
    user = hub.directory.users().get(id)
    if user is None or not may(user, Permission.CONTACT_HANDLE):
        raise NotFound("agent", id)
    return user


@table.add("GET", "/agents", Permission.AGENT_VIEW, query=s.PageQuery, result=s.AgentPage, summary="Agents, by name")
async def list_agents(call: Call[None, s.PageQuery]) -> object:
    agents = [user for user in call.hub.directory.users().values() if may(user, Permission.CONTACT_HANDLE)]
    items, following = page_of(agents, call.query, key=lambda user: (user.name.casefold(), user.id))
    return s.AgentPage([agent_view(call.hub, user) for user in items], following)


@table.add("GET", "/agents/{id}", Permission.AGENT_VIEW, result=s.Agent, summary="One agent")
async def get_agent(call: Call[None, Nothing]) -> object:
    return agent_view(call.hub, _agent(call.hub, call.path("id")))


class PresenceEdit(Input, frozen=True, forbid_unknown_fields=True):
    """`reason` is the id of a status reason, for `away`."""

    state: Literal["available", "away", "offline"]
    reason: Annotated[str, Meta(max_length=64)] | None = None


@table.add(
    "PATCH",
    "/agents/{id}",
    Permission.AGENT_VIEW,
    body=PresenceEdit,
    result=s.Agent,
    summary="Set your own status, or with agent.set_status anybody's",
)
async def patch_agent(call: Call[PresenceEdit, Nothing]) -> object:
    agent = call.path("id")
    require(call.user, Permission.CONTACT_HANDLE if agent == call.user.id else Permission.AGENT_SET_STATUS)
    _agent(call.hub, agent)
    reason = call.body.reason
    if reason is not None and reason not in call.hub.directory.reasons():
        raise InvalidInput("reason", "expected the id of a status reason")
    await call.hub.presence.set(agent, PresenceState(call.body.state), reason, call.user.id)
    return agent_view(call.hub, _agent(call.hub, agent))
