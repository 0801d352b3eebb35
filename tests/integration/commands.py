"""The `contacthub` command in processes of its own, as people and scripts run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.peers import CHECKOUT
from tests.ports import free_port

START_S = 60.0
STOP_S = 20.0


class Place:
    """A folder with a hub.toml."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "hub.log"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hub.toml").write_text(f"[server]\nport = {self.port}\n{settings}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "server", "--config", str(self.folder / "hub.toml"), *arguments]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=CHECKOUT, input=stdin, capture_output=True, text=True, timeout=120
        )

    def done(self, *arguments: str, stdin: str = "") -> str:
        """What a command that must succeed prints."""
        result = self.run(*arguments, stdin=stdin)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.done(*arguments, "--json"))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command that serves, once it answers."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=CHECKOUT,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert process.poll() is None, f"it ended:\n{self.log.read_text()}"
            try:
                if httpx.get(f"{self.url}/healthz", timeout=5, trust_env=False).status_code == 200:
                    return process
            except httpx.TransportError:
                time.sleep(0.05)
        process.kill()
        raise AssertionError(f"it does not answer:\n{self.log.read_text()}")

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start(*(arguments or ("serve",)))
        try:
            yield process
        finally:
            stop(process)

    def client(self, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {"Origin": self.url}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)


def sign_in(browser: httpx.Client, username: str, password: str) -> int:
    """The status of the attempt; the browser is signed in after a 200."""
    page = browser.get("/login")
    csrf = page.text.partition('<meta name="csrf" content="')[2].partition('"')[0]
    return browser.post(
        "/login", json={"username": username, "password": password}, headers={"X-CSRF-Token": csrf}
    ).status_code


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> int:
    """The exit code."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode


def everything(place: Place, token: str) -> list[dict[str, Any]]:
    """All contacts with all of their messages, as REST shows them."""
    contacts: list[dict[str, Any]] = []
    with place.client(token) as client:
        after = ""
        while True:
            page = client.get("/api/v1/contacts", params={"limit": 200, **({"after": after} if after else {})}).json()
            contacts += page["items"]
            if page["next"] is None:
                break
            after = page["next"]
        for contact in contacts:
            messages = client.get(f"/api/v1/contacts/{contact['id']}/messages", params={"limit": 200}).json()
            contact["messages"] = messages["items"]
    return contacts
