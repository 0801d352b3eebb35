"""Access tokens in the place of passwords: fetched by refresh token or by the client's own credentials, kept until
shortly before they end, and fetched anew when a server refuses one.

What was given last is kept for all nodes (`tokens_kept.py`), and only one of them asks at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import structlog
from msgspec.structs import replace

from channels.email.tokens_kept import Held, InMemory, Keeper, Tokens
from hub.config_mail import OAuth
from hub.errors import ConfigError, HubError
from hub.model import Millis

log = structlog.get_logger(__name__)

TIMEOUT_S = 20.0
EARLY_S = 120.0
UNSAID_S = 600.0
"""For how long a token counts whose end was not told."""
HELD_S = 45.0
"""For how long whoever asks has the row: longer than an answer may take, with one token and then the other."""
LOOK_AGAIN_S = 0.2
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


class OAuthTokens:
    """`read_secret` reads what a row names; in a thread, as it may read a file. `now` in ms, the same for all nodes."""

    def __init__(
        self,
        read_secret: Callable[[str], str],
        keeper: Keeper | None = None,
        now: Callable[[], Millis] = lambda: int(time.time() * 1000),
    ) -> None:
        self._read_secret = read_secret
        self._keeper: Keeper = keeper or InMemory()
        self._now = now
        self._here: dict[OAuth, Tokens] = {}
        self._refused: dict[OAuth, str] = {}
        self._unsaved: dict[OAuth, Tokens] = {}
        self._locks: dict[OAuth, asyncio.Lock] = {}

    def of(self, oauth: OAuth) -> Callable[[], Awaitable[str]]:
        """What answers a token that still holds. Raises NoToken."""

        async def token() -> str:
            return await self.token(oauth)

        return token

    def refused(self, oauth: OAuth) -> None:
        """A server did not take the token: the next is a new one."""
        if (here := self._here.pop(oauth, None)) is not None:
            self._refused[oauth] = here.access

    def _holds(self, oauth: OAuth, tokens: Tokens) -> bool:
        return bool(tokens.access) and self._now() < tokens.until and tokens.access != self._refused.get(oauth)

    async def token(self, oauth: OAuth) -> str:
        """Raises NoToken, and HubError when the store cannot be reached."""
        async with self._locks.setdefault(oauth, asyncio.Lock()):
            here = self._here.get(oauth)
            if here is None or not self._holds(oauth, here):
                here = self._here[oauth] = await self._renewed(oauth)
            return here.access

    async def _renewed(self, oauth: OAuth) -> Tokens:
        """What another node has fetched meanwhile, or what the provider gives now."""
        try:
            secret = await asyncio.to_thread(self._read_secret, oauth.secret) if oauth.secret else ""
            named = await asyncio.to_thread(self._read_secret, oauth.refresh_token) if oauth.refresh_token else ""
        except ConfigError as error:
            raise NoToken(str(error), final=True) from None
        id, digest = row_id(oauth), hashlib.sha256(named.encode()).hexdigest()
        while True:
            held = await self._keeper.load(id)
            # Whoever put another refresh token into its place has consented anew.
            kept = self._unsaved.get(oauth, held.tokens)
            tokens = kept if kept.named == digest else Tokens(named=digest)
            if self._holds(oauth, tokens):
                return tokens
            if held.held_until > self._now():
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            mine = Held(tokens, held.version, self._now() + int(HELD_S * 1000))
            if await self._keeper.save(id, mine):
                return await self._fetch(oauth, id, replace(mine, version=held.version + 1), secret, named)

    async def _fetch(self, oauth: OAuth, id: str, mine: Held, secret: str, named: str) -> Tokens:
        """Asks while the row is ours, and lets go of it whatever is answered."""
        tokens = mine.tokens
        try:
            # What the provider gave last; the configured one may be good beside it.
            for refresh in dict.fromkeys((tokens.refresh, named)):
                if not refresh and named:
                    continue
                try:
                    answer = await self._ask(oauth, secret, refresh)
                except NoToken as error:
                    if not error.final or refresh == named:
                        raise
                    tokens = replace(tokens, refresh="")
                    continue
                seconds = answer.get("expires_in")
                lasts = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else UNSAID_S
                until = self._now() + int(max(lasts - EARLY_S, lasts / 2) * 1000)
                renewed = answer.get("refresh_token")
                if not (isinstance(renewed, str) and renewed and named):
                    renewed = tokens.refresh
                tokens = Tokens(answer["access_token"], until, renewed, tokens.named)
                break
        finally:
            await self._keep(oauth, id, replace(mine, tokens=tokens, held_until=0))
        return tokens

    async def _keep(self, oauth: OAuth, id: str, held: Held) -> None:
        """Also when the hub is told to stop in this moment: the provider may take no older one."""
        try:
            await asyncio.shield(self._keeper.save(id, held))
        except HubError as error:
            # The mailbox goes on with it here, and it is written with the next.
            log.error("mail.token_not_kept", error=error.code)
            self._unsaved[oauth] = held.tokens
        else:
            self._unsaved.pop(oauth, None)

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


def row_id(oauth: OAuth) -> str:
    """The row of what is kept: of all that a token depends on, but for the secrets themselves."""
    parts = (oauth.url, oauth.client_id, oauth.refresh_token, oauth.secret, oauth.scope, oauth.provider)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
