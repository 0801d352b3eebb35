"""The pages' shells: /login, /logout, /agent, /supervisor, /calls, /callbacks, /admin; what is shown without a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from agent_ui.viewer_place import Place
from agent_ui.words import NAMES, Words, accepted, direction
from hub.auth import SignedIn
from hub.errors import Forbidden, HubError, NotSignedIn
from hub.model import Role, User
from hub.permissions import ROLE_PERMISSIONS, Permission, may
from hub.web.assets import Assets
from hub.web.context import Web
from hub.web.security import SESSION_COOKIE, is_secure, page_csp
from hub.web.signing import (
    SignIn,
    is_json,
    keep_page_token,
    local_path,
    page_token,
    read_sign_in,
    sign_in,
    sign_out,
    signed_in,
)
from hub.web.table import renew_cookie

LANGUAGE_COOKIE = "ch_lang"
TEMPLATES = Path(__file__).parent / "templates"
P = Permission


class Page(Struct, frozen=True):
    """A page of the application; any of the permissions opens it."""

    name: str
    permissions: tuple[Permission, ...]


PAGES = (
    Page("agent", (P.CONTACT_HANDLE,)),
    Page("supervisor", (P.LIVE_VIEW,)),
    Page("calls", (P.CONTACT_READ_ALL,)),
    Page("callbacks", (P.CALLBACK_MANAGE,)),
    Page("admin", (P.ADMIN_CONFIG, P.ADMIN_USERS, P.ADMIN_WEBHOOKS, P.ADMIN_TOKENS, P.ADMIN_AUDIT)),
)
HOME = {Role.AGENT: "/agent", Role.SUPERVISOR: "/supervisor", Role.ADMINISTRATOR: "/admin"}


class Shells:
    """Renders the templates; `place` is the viewer's. Everything that lies on the disk is read when this is made."""

    def __init__(self, web: Web, assets: Assets, place: Place | None = None) -> None:
        self.web, self._assets, self._place, self.words = web, assets, place, Words()
        self._env = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        # All of them, also what others extend: the loop must not wait for the disk later.
        self._templates = {
            name.removesuffix(".html"): self._env.get_template(name) for name in self._env.list_templates()
        }
        self._urls = {name: assets.url(name) for name in assets.rows}

    def render(
        self,
        request: Request,
        name: str,
        *,
        script: str,
        user: User | None,
        csrf: str,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """`script` is the logical name of the page's built files; a name that was not built leaves a page without."""
        locale = self.locale_of(request, user)
        built = script in self._assets.rows
        policy = page_csp(request, self.web.settings)
        # Only the desktop frames the viewer of customers' pages.
        viewer = self._place.viewer(request) if self._place is not None and name == "agent" else None
        if viewer is not None:
            policy = policy.replace("frame-src 'self'", f"frame-src 'self' {viewer}")
        content = self._templates[name].render(
            locale=locale,
            dir=direction(locale),
            theme=user.theme if user else "auto",
            csrf=csrf,
            boot={
                "csrf": csrf,
                "me": None if user is None else _me(user, locale),
                "locale": locale,
                "assets": self._urls,
                "version": self.web.version,
                "viewer": viewer,
                "callbacks": (desk := self.web.hub.calling_back) is not None and desk.takes(),
            },
            assets={
                "script": self._assets.url(script) if built and name != "error" else None,
                "styles": self._assets.styles(script) if built else [],
                "preload": self._assets.preload(script) if built and name != "error" else [],
                "icon": self._assets.optional("agent_ui/icon.svg"),
            },
            t=self.words.text(name, locale),
            **values,
        )
        return HTMLResponse(
            content,
            status,
            headers={
                "Content-Security-Policy": policy,
                "Cache-Control": "no-store",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Vary": "Accept-Language, Cookie",
            },
        )

    def locale_of(self, request: Request, user: User | None = None) -> str:
        """What the user has chosen; else what this browser chose, then what it asks for."""
        if user is not None:
            return self.words.best(user.locale)
        chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        return self.words.best(chosen, *accepted(request.headers.get("accept-language", "")))

    async def who(self, request: Request) -> SignedIn:
        who = await self.web.auth.by_cookie(request.cookies.get(SESSION_COOKIE))
        request.scope["user_id"] = who.user.id
        return who

    # --- the pages ------------------------------------------------------------------------------------------------

    async def page(self, request: Request, page: Page) -> Response:
        try:
            who = await self.who(request)
        except NotSignedIn as error:
            query = {"next": request.url.path + (f"?{request.url.query}" if request.url.query else "")}
            if error.code == "auth.expired":
                query["reason"] = "expired"
            return RedirectResponse(f"/login?{urlencode(query)}", 303)
        if not any(may(who.user, permission) for permission in page.permissions):
            raise Forbidden("Your role does not open this page.", details={"permission": str(page.permissions[0])})
        assert who.session is not None
        response = self.render(request, page.name, script=page.name, user=who.user, csrf=who.session.csrf)
        await renew_cookie(self.web, request, response, who.session)
        return response

    async def home(self, request: Request) -> Response:
        try:
            return RedirectResponse(HOME[(await self.who(request)).user.role], 303)
        except NotSignedIn:
            return RedirectResponse("/login", 303)

    async def login(self, request: Request) -> Response:
        """GET shows the page, or leads on whoever is signed in."""
        following = local_path(request.query_params.get("next"))
        try:
            user = (await self.who(request)).user
            return RedirectResponse(following or HOME[user.role], 303)
        except NotSignedIn:
            pass
        reason = request.query_params.get("reason")
        error = {"code": f"auth.{reason}"} if reason in ("expired", "signed_out") else None
        return self._login(request, following, error)

    async def post_login(self, request: Request) -> Response:
        """From a form: leads on, or shows the page again with what went wrong. From a script: JSON."""
        form = SignIn()
        try:
            form = await read_sign_in(request)
            user, secret = await sign_in(self.web, request, form)
        except HubError as error:
            if is_json(request):
                raise
            said: dict[str, Any] = {"code": error.code}
            if "retry_after_ms" in error.details:
                said["retry_after_s"] = math.ceil(error.details["retry_after_ms"] / 1000)
            known = {"auth.failed", "rate.limited", "auth.csrf", "auth.origin", "store.busy"}
            said["code"] = error.code if error.code in known else "other"
            return self._login(request, local_path(form.next), said, username=form.username, status=error.status)
        following = local_path(form.next) or HOME[user.role]
        response: Response = (
            JSONResponse({"ok": True, "next": following}) if is_json(request) else RedirectResponse(following, 303)
        )
        return signed_in(self.web, request, response, secret)

    def _login(
        self,
        request: Request,
        following: str | None,
        error: dict[str, Any] | None,
        *,
        username: str = "",
        status: int = 200,
    ) -> Response:
        token = page_token(request)
        locale = self.locale_of(request)
        keep = {"next": following} if following else {}
        response = self.render(
            request,
            "login",
            script="login",
            user=None,
            csrf=token,
            status=status,
            username=username,
            next=following,
            error=error,
            organization="",
            languages=[
                {
                    "locale": other,
                    "name": NAMES.get(other, other),
                    "url": f"/login?{urlencode({'lang': other, **keep})}",
                    "current": other == locale,
                }
                for other in self.words.locales
            ],
        )
        keep_page_token(self.web, request, response, token)
        if request.query_params.get("lang"):
            secure = is_secure(request, self.web.settings)
            response.set_cookie(LANGUAGE_COOKIE, locale, max_age=365 * 86400, path="/", samesite="lax", secure=secure)
        return response

    async def logout(self, request: Request) -> Response:
        by_form = "application/x-www-form-urlencoded" in request.headers.get("content-type", "")
        response = RedirectResponse("/login?reason=signed_out", 303) if by_form else Response(status_code=204)
        return await sign_out(self.web, request, response)

    async def error(self, request: Request, error: HubError) -> Response | None:
        """The error as a page, in the reader's language."""
        kind, back = _kind_of(error)
        locale = self.locale_of(request)
        t = self.words.text("error", locale)
        again = back == "again" and request.method == "GET"
        url = quote(request.url.path) if again else "/"
        return self.render(
            request,
            "error",
            script="login",
            user=None,
            csrf="",
            status=error.status,
            title=t(f"error.{kind}.title"),
            text=t(f"error.{kind}.text"),
            back={"url": url, "label": t("error.again" if again else "error.back")},
            request_id=request.scope.get("request_id", "") if error.status >= 500 else "",
        )


def _kind_of(error: HubError) -> tuple[str, str]:
    """Which words fit, and whether to try again or go to the start page."""
    if error.code in ("auth.origin", "auth.csrf"):
        return "origin", "home"
    match error.status:
        case 404:
            return "not_found", "home"
        case 401 | 403:
            return "forbidden", "home"
        case 429 | 503:
            return "busy", "again"
        case _:
            return "other", "again"


def _me(user: User, locale: str) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "role": str(user.role),
        "permissions": sorted(map(str, ROLE_PERMISSIONS[user.role])),
        "locale": locale,
        "theme": user.theme,
    }


def routes(shells: Shells) -> list[BaseRoute]:
    def shell(page: Page) -> Route:
        async def show(request: Request) -> Response:
            return await shells.page(request, page)

        return Route(f"/{page.name}", show, name=page.name)

    return [
        Route("/", shells.home, name="home"),
        Route("/login", shells.login, methods=["GET"], name="login"),
        Route("/login", shells.post_login, methods=["POST"], name="login.post"),
        Route("/logout", shells.logout, methods=["POST"], name="logout"),
        *(shell(page) for page in PAGES),
    ]
