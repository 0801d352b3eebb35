"""The rows that administrators edit: every kind has the same five routes over one table of kinds."""

from __future__ import annotations

import re
import secrets
import unicodedata
from types import GenericAlias
from typing import Any

import msgspec
from msgspec import Struct
from starlette.datastructures import URL

from hub import config_rows as rows
from hub.errors import InvalidInput, NotFound, Refused
from hub.events import ContactEvent
from hub.ids import new_id
from hub.outbound import check_address_literal
from hub.permissions import Permission
from hub.ports import ConfigRow, ContactFilter
from hub.references import check_references, check_unused, references
from hub.routing_check import refuse_mistakes
from hub.web import shapes as s
from hub.web.context import Web
from hub.web.paging import page_of
from hub.web.table import Call, Endpoint, Handler, Nothing

# The resource in the address -> the kind of row and what one needs to edit it.
RESOURCES: dict[str, tuple[str, Permission]] = {
    "queues": ("queue", Permission.ADMIN_CONFIG),
    "skills": ("skill", Permission.ADMIN_CONFIG),
    "sites": ("site", Permission.ADMIN_CONFIG),
    "hours": ("calendar", Permission.ADMIN_CONFIG),
    "canned": ("canned", Permission.ADMIN_CONFIG),
    "outcomes": ("outcome", Permission.ADMIN_CONFIG),
    "reasons": ("reason", Permission.ADMIN_CONFIG),
    "webhooks": ("webhook", Permission.ADMIN_WEBHOOKS),
    "rules": ("rule", Permission.ADMIN_CONFIG),
    "groups": ("group", Permission.ADMIN_CONFIG),
    "blocks": ("block", Permission.ADMIN_CONFIG),
    "trunks": ("trunk", Permission.ADMIN_CONFIG),
    "numbers": ("number", Permission.ADMIN_CONFIG),
    "flows": ("flow", Permission.ADMIN_CONFIG),
    "mailboxes": ("mailbox", Permission.ADMIN_CONFIG),
    "mail-rules": ("mail_rule", Permission.ADMIN_CONFIG),
    "mail-templates": ("mail_template", Permission.ADMIN_CONFIG),
}
_EVENT_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in ContactEvent.__args__) | {
    "agent.presence_changed",
    "customer.changed",
    "config.changed",
}
# Of a row as we gave it out, what we do not take back: it is ours to say.
_SAID: list[tuple[str, Any, Any]] = [
    ("version", s.Version | None, None),
    ("updated_at", int | None, None),
    ("identity_secret_set", bool | None, None),
    ("secret_set", bool | None, None),
]


class Removal(s.Query, frozen=True):
    """`version` as you looked at it; without one the row goes whatever became of it."""

    version: s.Version | None = None


def view(row: ConfigRow, *, secret: bool = False) -> dict[str, Any]:
    """The row as JSON; what is written but never shown is left out, with whether it is set."""
    hidden = rows.SECRETS.get(row.kind, ())
    shown = {name: value for name, value in _whole(row).items() if name not in hidden}
    said = {f"{name}_set": bool(row.data.get(name)) for name in hidden}
    once = {name: row.data[name] for name in hidden if row.data.get(name)} if secret else {}
    return {"id": row.id, **shown, **said, **once, "version": row.version, "updated_at": row.updated_at}


def _whole(row: ConfigRow) -> dict[str, Any]:
    """The row with the fields that were added since it was written; as it is when this version cannot read it."""
    try:
        whole: dict[str, Any] = msgspec.to_builtins(rows.read(rows.KINDS[row.kind], row.data))
    except InvalidInput:
        return row.data
    return whole


def endpoints() -> list[Endpoint]:
    return [
        endpoint for path, (kind, permission) in RESOURCES.items() for endpoint in _endpoints_of(path, kind, permission)
    ]


def _endpoints_of(path: str, kind: str, access: Permission) -> list[Endpoint]:
    struct = rows.KINDS[kind]
    word = struct.__name__
    options: dict[str, Any] = {"frozen": True, "forbid_unknown_fields": True, "kw_only": True, "module": __name__}
    given = msgspec.defstruct(f"{word}Input", [("id", rows.Id | None, None), *_SAID], bases=(struct,), **options)
    row = msgspec.defstruct(
        f"{word}Row", [("id", str), ("version", int), ("updated_at", s.At), *_SAID[2:]], bases=(struct,), **options
    )
    items: Any = GenericAlias(list, (row,))
    page = msgspec.defstruct(f"{word}Page", [("items", items), ("next", str | None)], frozen=True, module=__name__)
    made = _Handlers(kind, struct)
    one, tag = f"/{path}/{{id}}", path.capitalize()
    return [
        Endpoint("GET", f"/{path}", access, made.list, f"All {path}, by name", s.PageQuery, result=page, tag=tag),
        Endpoint("POST", f"/{path}", access, made.create, "Make one", body=given, result=row, status=201, tag=tag),
        Endpoint("GET", one, access, made.get, "One of them", result=row, tag=tag),
        Endpoint("PUT", one, access, made.replace, "Replace one", body=given, result=row, tag=tag),
        Endpoint("DELETE", one, access, made.delete, "Delete one", Removal, status=204, tag=tag),
    ]


class _Handlers:
    """The five handlers of one kind."""

    def __init__(self, kind: str, struct: type[rows.Row]) -> None:
        self._kind, self._struct = kind, struct
        self.list: Handler = self._list
        self.create: Handler = self._create
        self.get: Handler = self._get
        self.replace: Handler = self._replace
        self.delete: Handler = self._delete

    async def _list(self, call: Call[None, s.PageQuery]) -> object:
        found = await call.store.configs.rows(self._kind)
        items, following = page_of(
            found, call.query, key=lambda row: (str(row.data.get("name", "")).casefold(), row.id)
        )
        return {"items": [view(row) for row in items], "next": following}

    async def _get(self, call: Call[None, Nothing]) -> object:
        return view(await self._stored(call))

    async def _create(self, call: Call[Any, Nothing]) -> object:
        async with call.web.editing:
            taken = {row.id for row in await call.store.configs.rows(self._kind)}
            id = call.body.id or _id_from(call.body.name, taken, self._kind, call.now)
            if id in taken:
                raise Refused(f'There is a {self._kind} with the id "{id}" already.', code="config.exists")
            data = await self._checked(call, id, {})
            if self._kind == "webhook" and not data["secret"]:
                data["secret"] = secrets.token_urlsafe(32)
            row = await self._put(call, id, data, None)
        return view(row, secret=self._kind == "webhook")

    async def _replace(self, call: Call[Any, Nothing]) -> object:
        async with call.web.editing:
            row = await self._stored(call)
            if call.body.id not in (None, row.id):
                raise InvalidInput("id", "expected the id in the address; an id cannot be changed")
            if call.body.version is None:
                raise InvalidInput("version", "expected the version of the row that you changed")
            data = await self._checked(call, row.id, row.data)
            return view(await self._put(call, row.id, data, call.body.version))

    async def _delete(self, call: Call[None, Removal]) -> object:
        async with call.web.editing:
            row = await self._stored(call)
            await check_unused(call.store, self._kind, row.id)
            await _check_no_open_contacts(call.web, self._kind, row.id)
            version = row.version if call.query.version is None else call.query.version
            await call.store.configs.delete(self._kind, row.id, version=version, actor=call.user.id, at=call.now)
            await call.hub.directory.refresh(self._kind, row.id)
        return None

    async def _stored(self, call: Call[Any, Any]) -> ConfigRow:
        row = await call.store.configs.get(self._kind, call.path("id"))
        if row is None:
            raise NotFound(self._kind, call.path("id"))
        return row

    async def _checked(self, call: Call[Struct, Any], id: str, before: dict[str, Any]) -> dict[str, Any]:
        """The row to store from what was sent; a secret that was not sent stays as it was. Raises InvalidInput."""
        given = msgspec.to_builtins(call.body)
        data = {name: given[name] for name in self._struct.__struct_fields__}
        for name in rows.SECRETS.get(self._kind, ()):
            data[name] = data[name] or before.get(name, "")
        row = rows.read(self._struct, data)
        if isinstance(row, rows.Webhook):
            _check_webhook(row, allow_private=call.web.webhooks.allow_private)
        await check_references(call.store, references(row))
        refuse_mistakes(call.hub.directory, id, row)
        return data

    async def _put(self, call: Call[Any, Any], id: str, data: dict[str, Any], version: int | None) -> ConfigRow:
        row = await call.store.configs.put(self._kind, id, data, version=version, actor=call.user.id, at=call.now)
        # The log's reader would bring it too, a moment later.
        await call.hub.directory.refresh(self._kind, id)
        return row


async def _check_no_open_contacts(web: Web, kind: str, id: str) -> None:
    match kind:
        case "queue":
            where = ContactFilter(queues=(id,), open=True)
        case "site":
            where = ContactFilter(site=id, open=True)
        case _:
            return
    if await web.hub.store.contacts.page(where, limit=1):
        raise Refused(f"This {kind} has contacts that are not closed yet.", code="config.in_use")


def _check_webhook(row: rows.Webhook, *, allow_private: bool) -> None:
    for i, wanted in enumerate(row.types):
        family, _, rest = wanted.partition(".")
        if wanted == "*" or wanted in _EVENT_TYPES:
            continue
        if rest != "*" or not any(known.startswith(f"{family}.") for known in _EVENT_TYPES):
            raise InvalidInput(f"types[{i}]", f'expected "*", "contact.*" or a type of event, got "{wanted}"')
    if URL(row.url).username or URL(row.url).password:
        raise InvalidInput("url", "expected an address without a user name and password")
    check_address_literal(row.url, allow_private=allow_private)


def _id_from(name: str, taken: set[str], kind: str, now: int) -> str:
    """An id that a person can read, from the name; one of ours where the name has no Latin letters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    if not slug:
        return new_id(kind[:2], now)
    if slug not in taken:
        return slug
    return next(found for n in range(2, len(taken) + 3) if (found := f"{slug}-{n}") not in taken)
