"""A whole hub behind a real server on a free port, in a thread with a loop of its own, for tests that speak HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import structlog
import uvicorn

from channels.voice.settings import VoiceSettings
from hub.config import parse
from hub.model import Role, User
from server import Application

T = TypeVar("T")
PASSWORD = "correct horse"


class Serving:
    """The running application. `run` carries a coroutine out on the server's loop. Browsers are closed with it."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self.application, self.loop = application, loop
        self.browsers: list[Browser] = []
        self.origin = f"http://127.0.0.1:{port}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.origin, trust_env=False, timeout=20, **options)

    def user(self, username: str, role: Role, password: str | None = PASSWORD, **values: Any) -> User:
        """A user, made as the admin page makes one."""
        app = self.application
        user = User(f"us_{username}", username, username.capitalize(), role, created_at=1, **values)
        made = self.run(app.auth.create_user(user, password, by="system"))
        self.run(app.hub.directory.refresh("user", made.id))
        return made

    def token(self, user: User) -> str:
        return self.run(self.application.auth.create_token(user, "test", by="system"))[1]

    def put(self, kind: str, id: str, **data: Any) -> None:
        """A row of the configuration."""
        app = self.application
        self.run(app.store.configs.put(kind, id, data, version=None, actor="system", at=1))
        self.run(app.hub.directory.refresh(kind, id))

    def sign_in(self, username: str, password: str = PASSWORD) -> Browser:
        browser = Browser(self)
        answer = browser.sign_in(username, password)
        assert answer.status_code == 200, answer.text
        return browser


class Browser:
    """A signed-in browser: cookies, its own Origin, and the token of its page."""

    def __init__(self, serving: Serving) -> None:
        self.http = serving.client(headers={"Origin": serving.origin})
        serving.browsers.append(self)
        self.csrf = ""

    def sign_in(self, username: str, password: str, **headers: str) -> httpx.Response:
        page = self.http.get("/login")
        token = page.text.partition('<meta name="csrf" content="')[2].partition('"')[0]
        answer = self.http.post(
            "/login", json={"username": username, "password": password}, headers={"X-CSRF-Token": token, **headers}
        )
        if answer.status_code == 200:
            shell = self.http.get(answer.json()["next"])
            self.csrf = shell.text.partition('<meta name="csrf" content="')[2].partition('"')[0]
        return answer

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf, **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)


@contextmanager
def serving(folder: Path, voice: VoiceSettings | dict[str, Any] | None = None, **config: Any) -> Iterator[Serving]:
    """Starts a hub whose data lie in `folder`; `config` are sections of hub.toml, as `voice` may be."""
    if isinstance(voice, dict):
        config["voice"], voice = voice, None
    config.setdefault("server", {})["data_dir"] = str(folder)
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    application = Application(parse(config), voice)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            application.asgi,
            lifespan="on",
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            forwarded_allow_ips=list(application.config.server.trusted_proxies),
            timeout_graceful_shutdown=3,
        )
    )
    loop = asyncio.new_event_loop()

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(server.serve(sockets=[listener]))
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    thread = threading.Thread(target=work, name="hub", daemon=True)
    thread.start()
    running = Serving(application, loop, listener.getsockname()[1])
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        assert server.started, "the hub did not start"
        yield running
    finally:
        for browser in running.browsers:
            browser.http.close()
        server.should_exit = True
        thread.join(20)
        listener.close()
        loop.close()
        structlog.configure(**before)
