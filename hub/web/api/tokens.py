"""Bearer tokens of programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from hub.config_rows import Name
from hub.errors import InvalidInput
from hub.model import Token
from hub.permissions import Permission
from hub.web import shapes as s
from hub.web.paging import page_of
from hub.web.table import Call, Input, Nothing, Table

table = Table("Tokens")


class NewToken(Input, frozen=True, forbid_unknown_fields=True):
    """`user` is whose permissions it has; `expires_at` is RFC 3339 or milliseconds since the epoch."""

    name: Name
    user: Annotated[str, Meta(max_length=64)]
    expires_at: Annotated[str, Meta(max_length=40)] | s.At | None = None


def token_view(token: Token, secret: str | None = None) -> s.Token:
    return s.Token(token.id, token.user, token.name, token.created_at, token.used_at, token.expires_at, secret)


@table.add(
    "GET", "/tokens", Permission.ADMIN_TOKENS, query=s.PageQuery, result=s.TokenPage, summary="Tokens, newest first"
)
async def list_tokens(call: Call[None, s.PageQuery]) -> object:
    tokens = await call.store.accounts.tokens()
    items, following = page_of(tokens, call.query, key=lambda token: (-token.created_at, token.id))
    return s.TokenPage([token_view(token) for token in items], following)


@table.add(
    "POST",
    "/tokens",
    Permission.ADMIN_TOKENS,
    body=NewToken,
    result=s.Token,
    status=201,
    summary="Make a token; the secret is in this answer only",
)
async def create_token(call: Call[NewToken, Nothing]) -> object:
    user = await call.store.accounts.user(call.body.user)
    if user is None:
        raise InvalidInput("user", "expected the id of a user")
    token, secret = await call.web.auth.create_token(
        user, call.body.name, by=call.user.id, expires_at=_millis(call.body.expires_at)
    )
    return token_view(token, secret)


@table.add("DELETE", "/tokens/{id}", Permission.ADMIN_TOKENS, summary="End a token at once")
async def delete_token(call: Call[None, Nothing]) -> object:
    await call.web.auth.delete_token(call.path("id"), by=call.user.id)
    return None


def _millis(given: str | int | None) -> int | None:
    if not isinstance(given, str):
        return given
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput("expires_at", "expected a time with its zone, such as 2027-01-31T12:00:00Z")
    return int(at.timestamp() * 1000)
