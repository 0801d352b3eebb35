"""Customers: the people behind the contacts."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from hub.customers import customer_for, edit_customer
from hub.permissions import Permission
from hub.views import customer_json
from hub.web import shapes as s
from hub.web.table import Call, Input, Nothing, Table, given

table = Table("Customers")


class CustomerQuery(s.PageQuery, frozen=True):
    """`query` is looked for in names, e-mail addresses and phone numbers."""

    query: Annotated[str, Meta(max_length=200)] = ""


@table.add(
    "GET",
    "/customers",
    Permission.CONTACT_READ_ALL,
    query=CustomerQuery,
    result=s.CustomerPage,
    summary="All customers, newest first",
)
async def list_customers(call: Call[None, CustomerQuery]) -> object:
    limit = call.query.limit
    rows = await call.store.people.list_customers(query=call.query.query, after=call.query.after, limit=limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    return {"items": [customer_json(row) for row in rows], "next": rows[-1].id if more else None}


@table.add(
    "GET",
    "/customers/{id}",
    Permission.CONTACT_HANDLE,
    result=s.Customer,
    summary="A customer of yours; with contact.read_all any",
)
async def get_customer(call: Call[None, Nothing]) -> object:
    return customer_json(await customer_for(call.hub, call.user, call.path("id")))


class CustomerEdit(Input, frozen=True, forbid_unknown_fields=True):
    """What is left out stays; `version` is the one you looked at."""

    version: s.Version
    name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    phone: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=35)] | UnsetType = UNSET
    timezone: Annotated[str, Meta(max_length=60)] | UnsetType = UNSET
    note: Annotated[str, Meta(max_length=8000)] | UnsetType = UNSET
    fields: dict[Annotated[str, Meta(max_length=60)], Annotated[str, Meta(max_length=2000)]] | UnsetType = UNSET
    owner: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET


@table.add(
    "PATCH",
    "/customers/{id}",
    Permission.CONTACT_HANDLE,
    body=CustomerEdit,
    result=s.Customer,
    summary="Change what is known of a customer",
)
async def patch_customer(call: Call[CustomerEdit, Nothing]) -> object:
    changes = given(call.body)
    version = changes.pop("version")
    return customer_json(await edit_customer(call.hub, call.user, call.path("id"), version, changes))
