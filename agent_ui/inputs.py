"""What an agent's window sends on /agent, event by event."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from hub.sockets import Input

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=8000)]
Line = Annotated[str, Meta(max_length=200)]
Tag = Annotated[str, Meta(min_length=1, max_length=40)]


class Handshake(Input, frozen=True, forbid_unknown_fields=True):
    window: Annotated[str, Meta(min_length=4, max_length=64)]
    csrf: Annotated[str, Meta(max_length=200)]


class Heartbeat(Input, frozen=True, forbid_unknown_fields=True):
    window: Annotated[str, Meta(max_length=64)] = ""


class SetPresence(Input, frozen=True, forbid_unknown_fields=True):
    state: Literal["available", "away", "offline"]
    reason: Id | None = None


class AnswerOffer(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    fence: Annotated[int, Meta(ge=1)]
    client_id: ClientId


class OfContact(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id


class Act(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId


class SyncContact(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    after: Annotated[int, Meta(ge=0)] = 0
    before: Annotated[int, Meta(ge=1)] | None = None


class Send(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    text: Text = ""
    file: Id | None = None
    kind: Literal["text", "note"] = "text"


class Typing(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    on: bool


class Mark(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    delivered: Annotated[int, Meta(ge=0)] = 0
    read: Annotated[int, Meta(ge=0)] = 0


class Transfer(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    queue: Id | None = None
    agent: Id | None = None
    note: Text = ""


class Invite(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    agent: Id


class Finish(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    outcome: Id | None = None
    note: Text = ""


class EditContact(Input, frozen=True, forbid_unknown_fields=True):
    contact: Id
    client_id: ClientId
    subject: Line | None = None
    tags: Annotated[list[Tag], Meta(max_length=20)] | None = None


class EditCustomer(Input, frozen=True, forbid_unknown_fields=True):
    customer: Id
    version: int
    name: Line | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None
    language: Annotated[str, Meta(max_length=35)] | None = None
    note: Text | None = None
    fields: dict[Annotated[str, Meta(max_length=60)], Annotated[str, Meta(max_length=2000)]] | None = None
    owner: Id | UnsetType | None = UNSET  # None: nobody owns him any more


class GetCustomer(Input, frozen=True, forbid_unknown_fields=True):
    customer: Id


class Search(Input, frozen=True, forbid_unknown_fields=True):
    query: Line
    channel: Annotated[str, Meta(max_length=20)] | None = None
    queue: Id | None = None
    phase: Annotated[str, Meta(max_length=20)] | None = None
    agent: Id | None = None
    before: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class SetAgentPresence(Input, frozen=True, forbid_unknown_fields=True):
    agent: Id
    state: Literal["available", "away", "offline"]
    reason: Id | None = None


class OfAgent(Input, frozen=True, forbid_unknown_fields=True):
    agent: Id
