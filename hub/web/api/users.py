"""Users, roles and what each role may do."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from hub.config_rows import ChannelName, Id, Level, Name, Username
from hub.errors import InvalidInput, NotFound
from hub.ids import new_id
from hub.model import Role, User
from hub.permissions import ROLE_PERMISSIONS, Permission
from hub.references import check_references, user_references
from hub.web import shapes as s
from hub.web.paging import page_of
from hub.web.table import Call, Input, Nothing, Table, given

table = Table("Users")
Password = Annotated[str, Meta(max_length=1000)]
Locale = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Units = Annotated[int, Meta(ge=0, le=10_000)]
Costs = dict[ChannelName, Annotated[int, Meta(ge=1, le=10_000)]]
Order = Annotated[int, Meta(ge=0, le=100_000)]
Maxima = dict[ChannelName, Annotated[int, Meta(ge=0, le=100)]]


class NewUser(Input, frozen=True, forbid_unknown_fields=True):
    """Without a password he cannot sign in until he is given one."""

    username: Username
    name: Name
    role: Role
    password: Password | None = None
    skills: dict[Id, Level] | UnsetType = UNSET
    units: Units | UnsetType = UNSET
    maxima: Maxima | UnsetType = UNSET
    auto_accept: list[ChannelName] | UnsetType = UNSET
    costs: Costs | UnsetType = UNSET
    interrupts: dict[ChannelName, list[ChannelName]] | UnsetType | None = UNSET
    reserved: list[Id] | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET


class UserEdit(Input, frozen=True, forbid_unknown_fields=True):
    """The whole user; what is left out stays. `version` is the one you looked at."""

    version: s.Version
    username: Username
    name: Name
    role: Role
    id: str | UnsetType = UNSET
    skills: dict[Id, Level] | UnsetType = UNSET
    units: Units | UnsetType = UNSET
    maxima: Maxima | UnsetType = UNSET
    auto_accept: list[ChannelName] | UnsetType = UNSET
    costs: Costs | UnsetType = UNSET
    interrupts: dict[ChannelName, list[ChannelName]] | UnsetType | None = UNSET
    reserved: list[Id] | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    created_at: int | UnsetType = UNSET


class NewPassword(Input, frozen=True, forbid_unknown_fields=True):
    password: Password


def user_view(user: User) -> s.User:
    return s.User(
        user.id,
        user.username,
        user.name,
        str(user.role),
        user.skills,
        user.units,
        user.maxima,
        list(user.auto_accept),
        user.costs,
        user.interrupts,
        list(user.reserved),
        user.order,
        user.locale,
        user.disabled,
        user.created_at,
        user.version,
    )


def _freeze(values: dict[str, Any]) -> None:
    """The lists of a request as the model has them."""
    for name in ("auto_accept", "reserved"):
        if name in values:
            values[name] = tuple(values[name])
    if values.get("interrupts"):
        values["interrupts"] = {channel: tuple(others) for channel, others in values["interrupts"].items()}


async def _stored(call: Call[object, object]) -> User:
    user = await call.store.accounts.user(call.path("id"))
    if user is None:
        raise NotFound("user", call.path("id"))
    return user


async def _known_everywhere(call: Call[object, object], user: User) -> s.User:
    # The log's reader would bring it too, a moment later.
    await call.hub.directory.refresh("user", user.id)
    return user_view(user)


@table.add("GET", "/users", Permission.ADMIN_USERS, query=s.PageQuery, result=s.UserPage, summary="Users, by name")
async def list_users(call: Call[None, s.PageQuery]) -> object:
    users = await call.store.accounts.users()
    items, following = page_of(users, call.query, key=lambda user: (user.name.casefold(), user.id))
    return s.UserPage([user_view(user) for user in items], following)


@table.add("POST", "/users", Permission.ADMIN_USERS, body=NewUser, result=s.User, status=201, summary="Make a user")
async def create_user(call: Call[NewUser, Nothing]) -> object:
    values = given(call.body)
    password = values.pop("password", None)
    _freeze(values)
    user = User(id=new_id("us", call.now), created_at=call.now, **values)
    async with call.web.editing:
        await check_references(call.store, user_references(user))
        user = await call.web.auth.create_user(user, password, by=call.user.id)
    return await _known_everywhere(call, user)


@table.add("GET", "/users/{id}", Permission.ADMIN_USERS, result=s.User, summary="One user")
async def get_user(call: Call[None, Nothing]) -> object:
    return user_view(await _stored(call))


@table.add("PUT", "/users/{id}", Permission.ADMIN_USERS, body=UserEdit, result=s.User, summary="Change a user")
async def replace_user(call: Call[UserEdit, Nothing]) -> object:
    values = given(call.body)
    version = values.pop("version")
    values.pop("created_at", None)
    if values.pop("id", call.path("id")) != call.path("id"):
        raise InvalidInput("id", "expected the id in the address; an id cannot be changed")
    _freeze(values)
    async with call.web.editing:
        user = replace(await _stored(call), **values)
        await check_references(call.store, user_references(user))
        user = await call.web.auth.change_user(user, version=version, by=call.user.id)
    return await _known_everywhere(call, user)


@table.add("DELETE", "/users/{id}", Permission.ADMIN_USERS, summary="Disable a user and end his sessions")
async def disable_user(call: Call[None, Nothing]) -> object:
    """His name stays in what he said, so his row does too."""
    async with call.web.editing:
        user = await _stored(call)
        if not user.disabled:
            user = await call.web.auth.change_user(replace(user, disabled=True), version=user.version, by=call.user.id)
    await _known_everywhere(call, user)
    return None


@table.add(
    "POST",
    "/users/{id}/password",
    Permission.ADMIN_USERS,
    body=NewPassword,
    summary="Give a user a new password and end his sessions",
)
async def set_password(call: Call[NewPassword, Nothing]) -> object:
    async with call.web.editing:
        user = await _stored(call)
        keep = call.who.session.id if call.who and call.who.session and call.user.id == user.id else None
        user = await call.web.auth.set_password(user, call.body.password, by=call.user.id, keep=keep)
    await _known_everywhere(call, user)
    return None


@table.add("GET", "/roles", Permission.ADMIN_USERS, result=s.RolesView, summary="The permissions of each role")
async def list_roles(call: Call[None, Nothing]) -> object:
    return s.RolesView({str(role): sorted(map(str, permissions)) for role, permissions in ROLE_PERMISSIONS.items()})
