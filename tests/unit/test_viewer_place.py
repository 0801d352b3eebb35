"""Where the viewer's own origin is, and who answers there."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from agent_ui.viewer_place import Place
from hub.config import Config, parse
from hub.errors import ConfigError, Unavailable
from hub.web.listening import listen, listen_beside
from hub.web.security import WebSettings


def request(host: str, scheme: str = "http") -> Request:
    headers = [(b"host", host.encode())]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope | {"scheme": scheme, "server": ("10.0.0.1", 8000)})


def test_beside_the_hub_it_is_the_same_host_on_its_own_port() -> None:
    place = Place(WebSettings(), "", 8001, 8000)
    assert place.viewer(request("desk.example:8000")) == "http://desk.example:8001"
    assert place.hub(request("desk.example:8001")) == ["http://desk.example:8000"]
    assert place.viewer(request("[::1]:8000")) == "http://[::1]:8001"
    assert place.viewer(request("desk.example", "https")) == "https://desk.example:8001"


async def test_a_host_name_of_its_own_gets_the_viewer_and_nothing_else() -> None:
    place = Place(WebSettings(public_urls=("https://hub.example",)), "https://View.example", 0, 8000)
    assert place.viewer(request("hub.example")) == "https://view.example"
    assert place.hub(request("view.example")) == ["https://hub.example"]
    app = place.apart(PlainTextResponse("viewer"), PlainTextResponse("hub"))

    async def answer(host: str, kind: str = "http") -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message.get("body") or message.get("code"))

        await app({**request(host).scope, "type": kind}, receive, send)
        return sent

    assert b"viewer" in await answer("VIEW.example")
    assert b"hub" in await answer("hub.example")
    assert await answer("view.example", "websocket") == [4404]


def config(port: int, **cobrowse: Any) -> Config:
    return parse({"server": {"host": "127.0.0.1", "port": port}, "cobrowse": {"enabled": True, **cobrowse}})


def test_the_port_after_the_hubs_is_taken_if_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # Another program's: there is no co-browsing then, unless somebody chose that port.
        after, listener = listen_beside(config(port - 1))
        assert (after.cobrowse.enabled, listener) == (False, None)
        with pytest.raises(Unavailable):
            listen_beside(config(1, viewer_port=port))
    with listen("127.0.0.1", port) as hub:
        free = hub.getsockname()[1]
    after, listener = listen_beside(config(free - 1))
    assert listener is not None and after.cobrowse.viewer_port == free
    listener.close()
    for none in (config(8000, viewer_url="https://view.example"), replace(Config())):
        assert listen_beside(none) == (none, None)


@pytest.mark.parametrize(
    ("server", "cobrowse", "path"),
    [
        ("https://hub.example", {}, "cobrowse.viewer_url: expected the viewer's own address"),
        (
            "https://hub.example",
            {"viewer_url": "https://HUB.example"},
            "cobrowse.viewer_url: expected another host name",
        ),
        ("", {"viewer_url": "view.example"}, "cobrowse.viewer_url: expected a web address"),
        ("", {"viewer_port": 70_000}, "cobrowse.viewer_port: expected a port number"),
    ],
)
def test_a_mistake_names_its_path(server: str, cobrowse: dict[str, Any], path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        parse({"server": {"public_url": server}, "cobrowse": {"enabled": True, **cobrowse}})
    assert str(error.value).startswith(path)
