"""The REST interface: a file a resource, and all of them together."""

from __future__ import annotations

import asyncio
from functools import cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.web import table
from hub.web.api import (
    agents,
    audit,
    callback_lists,
    callback_work,
    callbacks,
    calls,
    config,
    contacts,
    customers,
    deliveries,
    mailboxes,
    mailing,
    mails,
    me,
    phones,
    recordings,
    routing,
    status,
    tokens,
    triage,
    trunks,
    users,
)
from hub.web.context import Web
from hub.web.openapi import document
from hub.web.table import BASE, Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *contacts.table.endpoints,
    *routing.table.endpoints,
    *customers.table.endpoints,
    *calls.table.endpoints,
    *callbacks.table.endpoints,
    *callback_lists.table.endpoints,
    *callback_work.table.endpoints,
    *trunks.table.endpoints,
    *phones.table.endpoints,
    *recordings.table.endpoints,
    *agents.table.endpoints,
    *mailboxes.table.endpoints,
    *mails.table.endpoints,
    *mailing.table.endpoints,
    *triage.table.endpoints,
    *config.endpoints(),
    *deliveries.table.endpoints,
    *users.table.endpoints,
    *tokens.table.endpoints,
    *audit.table.endpoints,
    *me.table.endpoints,
    *status.table.endpoints,
)


def routes(web: Web) -> list[Route]:
    """Everything below /api/v1, and its description, which anybody may read."""

    @cache
    def described() -> bytes:
        return msgspec.json.encode(document(ENDPOINTS, web.version))

    async def openapi(request: Request) -> Response:
        # Describing everything takes a while, the first time.
        body = await asyncio.to_thread(described)
        return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    return [Route(f"{BASE}/openapi.json", openapi, name="openapi"), *table.routes(web, ENDPOINTS)]
