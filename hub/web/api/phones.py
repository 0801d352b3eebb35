"""The accounts with which agents' own telephones register."""

from __future__ import annotations

from msgspec import Struct

from hub.errors import NotFound, NotSignedIn, Refused
from hub.model import User
from hub.permissions import Permission
from hub.phones import REALM, PhoneSeen
from hub.web import shapes as s
from hub.web.table import Call, Nothing, Table

table = Table("Telephony")


class Phone(Struct, frozen=True):
    """What a telephone is set up with. `username` is null without an account. `allowed`: whether any may register, at
    one of `servers` (`transport:host:port`). `password` is in the answer only that makes it. `registered`: those
    that stand at this node."""

    username: str | None
    realm: str
    made_at: s.At | None
    allowed: bool
    servers: list[str]
    registered: list[PhoneSeen]
    password: str | None = None


def phone_view(call: Call[object, object], user: User, password: str | None = None) -> Phone:
    phones, account = call.hub.phones, user.phone
    return Phone(
        account.username if account else None,
        REALM,
        account.made_at if account else None,
        phones.rules.allowed,
        list(phones.rules.servers),
        phones.seen(user.id),
        password,
    )


async def _own(call: Call[object, object]) -> User:
    user = await call.store.accounts.user(call.user.id)
    if user is None:
        raise NotSignedIn("Please sign in.")
    return user


async def _others(call: Call[object, object]) -> User:
    user = await call.store.accounts.user(call.path("id"))
    if user is None:
        raise NotFound("user", call.path("id"))
    return user


async def _make(call: Call[object, object], user: User) -> Phone:
    if not call.hub.phones.rules.allowed:
        raise Refused("Telephones do not register at this hub.", code="phone.not_allowed")
    account, password = call.hub.phones.make(user)
    user = await call.web.auth.set_phone(user, account, by=call.user.id)
    await call.hub.directory.refresh("user", user.id)
    return phone_view(call, user, password)


async def _remove(call: Call[object, object], user: User) -> None:
    if user.phone is not None:
        user = await call.web.auth.set_phone(user, None, by=call.user.id)
        await call.hub.directory.refresh("user", user.id)


@table.add("GET", "/me/phone", Permission.CONTACT_HANDLE, result=Phone, summary="Your own telephone's account")
async def get_own(call: Call[None, Nothing]) -> object:
    return phone_view(call, await _own(call))


@table.add(
    "POST",
    "/me/phone",
    Permission.CONTACT_HANDLE,
    result=Phone,
    status=201,
    summary="Give your telephone an account, or a new password; it is in this answer only",
)
async def make_own(call: Call[None, Nothing]) -> object:
    async with call.web.editing:
        return await _make(call, await _own(call))


@table.add("DELETE", "/me/phone", Permission.CONTACT_HANDLE, summary="Take away your telephone's account")
async def remove_own(call: Call[None, Nothing]) -> object:
    async with call.web.editing:
        await _remove(call, await _own(call))
    return None


@table.add(
    "GET", "/users/{id}/phone", Permission.ADMIN_USERS, result=Phone, summary="The account of a user's telephone"
)
async def get_phone(call: Call[None, Nothing]) -> object:
    return phone_view(call, await _others(call))


@table.add(
    "POST",
    "/users/{id}/phone",
    Permission.ADMIN_USERS,
    result=Phone,
    status=201,
    summary="Give a user's telephone an account, or a new password; it is in this answer only",
)
async def make_phone(call: Call[None, Nothing]) -> object:
    async with call.web.editing:
        return await _make(call, await _others(call))


@table.add("DELETE", "/users/{id}/phone", Permission.ADMIN_USERS, summary="Take away the account of a user's telephone")
async def remove_phone(call: Call[None, Nothing]) -> object:
    async with call.web.editing:
        await _remove(call, await _others(call))
    return None
