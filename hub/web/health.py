"""/healthz: the process lives. /readyz: what it needs works. /metrics: what it counts."""

from __future__ import annotations

import asyncio

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.errors import HubError, NotSignedIn
from hub.permissions import Permission, require
from hub.web.context import Check, Web
from hub.web.table import authenticate

log = structlog.get_logger(__name__)
_CHECK_SECONDS = 3


def health_routes(web: Web) -> list[Route]:
    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    async def readyz(request: Request) -> Response:
        found = await check_all(web)
        ready = all(state == "ok" for state in found.values()) and not web.hub.stopping
        return JSONResponse(
            {"ready": ready, "stopping": web.hub.stopping, "checks": found},
            status_code=200 if ready else 503,
            headers={"Cache-Control": "no-store"},
        )

    async def metrics(request: Request) -> Response:
        if request.client is None or request.client.host not in web.settings.metrics_from:
            try:
                require((await authenticate(web, request)).user, Permission.API_USE)
            except NotSignedIn:
                raise NotSignedIn("Show a bearer token, or read the metrics from this machine.") from None
        return Response(await web.metrics.text(), media_type="text/plain; version=0.0.4")

    return [
        Route("/healthz", healthz, name="healthz"),
        Route("/readyz", readyz, name="readyz"),
        Route("/metrics", metrics, name="metrics"),
    ]


async def check_all(web: Web) -> dict[str, str]:
    """Each check by name: "ok" or a word for what is wrong. Strangers read this, so it says no more."""
    states = await asyncio.gather(*(_check(name, check) for name, check in web.checks.items()))
    return dict(zip(web.checks, states, strict=True))


async def _check(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except TimeoutError:
        return "slow"
    except Exception as error:
        message = error.message if isinstance(error, HubError) else str(error)
        log.warning("ready.failed", check=name, error=message)
        return "failed"
    return "ok"
