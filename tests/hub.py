"""A hub as its users have it: `contacthub demo` in a process of its own, on a free port, with data in a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.peers import CHECKOUT
from tests.ports import free_port

START_S = 60.0
STOP_S = 20.0


@dataclass
class DemoHub:
    """`settings` are lines added to the demo's hub.toml. The port stays the same over restarts."""

    folder: Path
    settings: str = ""
    port: int = field(default_factory=free_port)
    sip_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "hub.log"

    def start(self) -> DemoHub:
        data = self.folder / "demo-data"
        if self.settings and not data.exists():
            data.mkdir(parents=True)
            (data / "hub.toml").write_text(f'[server]\ndata_dir = "."\n[demo]\nenabled = true\n{self.settings}')
        command = [sys.executable, "-m", "server", "demo", "--port", str(self.port), "--data", str(data)]
        command += ["--sip-port", str(self.sip_port), "--smtp-port", str(self.smtp_port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=CHECKOUT, stdout=log, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"}
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the hub ended:\n{self.log.read_text()}"
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the hub does not answer:\n{self.log.read_text()}")

    def kill(self) -> None:
        """As power failing does it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def stop(self) -> int:
        """As Ctrl-C does it; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)
