"""Access tokens in the place of passwords: fetched by refresh token or by the client's own credentials, kept until
shortly before they end, and fetched anew when a server refuses one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from msgspec import Struct

from hub.config_mail import OAuth
from hub.errors import ConfigError

TIMEOUT_S = 20.0
EARLY_S = 120.0
UNSAID_S = 600.0
"""For how long a token counts whose end was not told."""
LONGEST_ANSWER = 64 * 1024
SCOPES = {
    "microsoft": "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
    "google": "https://mail.google.com/",
    "custom": "",
}
OWN_SCOPES = {"microsoft": "https://outlook.office365.com/.default", "google": SCOPES["google"], "custom": ""}


class NoToken(Exception):
    """The provider gives no token; `final` when somebody has to do something about it (consent was withdrawn, the
    secret is wrong), and asking again is of no use before."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


class _Kept(Struct):
    access: str = ""
    until: float = 0.0
    refresh: str = ""


class OAuthTokens:
    """`read_secret` reads what a row names; in a thread, as it may read a file."""

    def __init__(self, read_secret: Callable[[str], str]) -> None:
        self._read_secret = read_secret
        self._kept: dict[OAuth, _Kept] = {}
        self._locks: dict[OAuth, asyncio.Lock] = {}

    def of(self, oauth: OAuth) -> Callable[[], Awaitable[str]]:
        """What answers a token that still holds. Raises NoToken."""

        async def token() -> str:
            return await self.token(oauth)

        return token

    def refused(self, oauth: OAuth) -> None:
        """A server did not take the token: the next is a new one."""
        if oauth in self._kept:
            self._kept[oauth].until = 0.0

    async def token(self, oauth: OAuth) -> str:
        async with self._locks.setdefault(oauth, asyncio.Lock()):
            kept = self._kept.setdefault(oauth, _Kept())
            if asyncio.get_running_loop().time() >= kept.until:
                await self._fetch(oauth, kept)
            return kept.access

    async def _fetch(self, oauth: OAuth, kept: _Kept) -> None:
        try:
            secret = await asyncio.to_thread(self._read_secret, oauth.secret) if oauth.secret else ""
            named = await asyncio.to_thread(self._read_secret, oauth.refresh_token) if oauth.refresh_token else ""
        except ConfigError as error:
            raise NoToken(str(error), final=True) from None
        # Some providers give a new refresh token with each answer; the one that was configured stays good beside it,
        # or an administrator has put another in its place.
        for refresh in dict.fromkeys((kept.refresh, named)):
            if not refresh and named:
                continue
            try:
                answer = await self._ask(oauth, secret, refresh)
            except NoToken as error:
                if not error.final or refresh == named:
                    raise
                kept.refresh = ""
                continue
            kept.access = answer["access_token"]
            seconds = answer.get("expires_in")
            lasts = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else UNSAID_S
            kept.until = asyncio.get_running_loop().time() + max(lasts - EARLY_S, lasts / 2)
            renewed = answer.get("refresh_token")
            if isinstance(renewed, str) and renewed and named:
                kept.refresh = renewed
            return

    async def _ask(self, oauth: OAuth, secret: str, refresh: str) -> dict[str, Any]:
        form = {"client_id": oauth.client_id, "client_secret": secret}
        if refresh:
            scope = oauth.scope or SCOPES[oauth.provider]
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
            # Google knows the scope by the refresh token, and refuses another.
            scope = "" if oauth.provider == "google" else scope
        else:
            scope = oauth.scope or OWN_SCOPES[oauth.provider]
            form |= {"grant_type": "client_credentials"}
        if scope:
            form["scope"] = scope
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
                response = await client.post(oauth.url, data={name: value for name, value in form.items() if value})
        except httpx.HTTPError as error:
            raise NoToken(f"The token service cannot be reached ({type(error).__name__}).", final=False) from None
        try:
            answer = response.json() if len(response.content) <= LONGEST_ANSWER else {}
        except ValueError:
            answer = {}
        if not isinstance(answer, dict):
            answer = {}
        if response.status_code == 200 and isinstance(answer.get("access_token"), str) and answer["access_token"]:
            return answer
        said = str(answer.get("error_description") or answer.get("error") or f"status {response.status_code}")
        final = response.status_code in (400, 401, 403)
        raise NoToken(f"The token service refuses: {said[:200]}", final=final)
