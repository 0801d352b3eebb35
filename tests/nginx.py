"""nginx with the configuration that docs/howto/two-nodes.md shows, in front of hubs on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers import CHECKOUT, require
from tests.ports import free_port

PAGE = CHECKOUT / "docs" / "howto" / "two-nodes.md"
# What the page leaves to Debian's own nginx.conf; all that nginx writes lies in its prefix folder.
AROUND = """{user}
daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log info;
events {{ worker_connections 512; }}
http {{
    log_format served '$remote_addr $upstream_addr $status $request_method $request_uri';
    access_log served.log served;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{sample}
}}
"""


def sample() -> str:
    """The page's one nginx block."""
    (found,) = re.findall(r"^```nginx\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def placed(text: str, *, port: int, nodes: Sequence[int], certificate: Path, key: Path) -> str:
    """The sample with this machine's addresses and files; each thing that is replaced must be in it once."""
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("server_name hub.example.org;", "server_name localhost;"),
        ("/etc/ssl/hub.pem;", f"{certificate};"),
        ("/etc/ssl/hub.key;", f"{key};"),
        ("server 10.0.0.11:8000 ", f"server 127.0.0.1:{nodes[0]} "),
        ("server 10.0.0.12:8000 ", f"server 127.0.0.1:{nodes[1]} "),
    ):
        assert text.count(old) == 1, f"{PAGE.name}: expected {old!r} once in the nginx sample"
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class Served:
    """A request that went through. `nodes` are the ports that were tried, the one that answered last."""

    address: str
    nodes: tuple[int, ...]
    status: int
    method: str
    path: str


@dataclass
class Nginx:
    folder: Path
    port: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def served(self) -> list[Served]:
        """All requests until now, in the order of their ends."""
        found = []
        for line in (self.folder / "served.log").read_text().splitlines():
            *front, method, path = line.split(" ")
            ports = tuple(int(port) for port in re.findall(r":(\d+)", " ".join(front[1:-1])))
            found.append(Served(front[0], ports, int(front[-1]), method, path))
        return found


@contextmanager
def nginx(folder: Path, port: int, nodes: Sequence[int]) -> Iterator[Nginx]:
    """Runs nginx until the end of the block; `port` is the one that its public address names."""
    program, openssl = require("nginx"), require("openssl")
    folder.mkdir()
    certificate, key = folder / "hub.pem", folder / "hub.key"
    command = [str(openssl), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    user = "user root;" if os.geteuid() == 0 else ""
    configured = placed(sample(), port=port, nodes=nodes, certificate=certificate, key=key)
    (folder / "nginx.conf").write_text(AROUND.format(user=user, sample=configured))
    arguments = ["-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"]
    subprocess.run([program, *arguments, "-t"], check=True, capture_output=True)
    process = subprocess.Popen([program, *arguments])
    try:
        deadline = time.monotonic() + 20
        while not (folder / "nginx.pid").exists() or not (folder / "nginx.pid").read_text().strip():
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < deadline, "nginx does not start"
            time.sleep(0.02)
        yield Nginx(folder, port, certificate)
    finally:
        process.terminate()
        process.wait(20)


__all__ = ["Nginx", "Served", "free_port", "nginx", "placed", "sample"]
