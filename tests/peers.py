"""The programs that tests talk to, found on this machine or named as missing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def _first(*names: str) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _postgres() -> Path | None:
    if on_path := _first("initdb"):
        return on_path.resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return installed[-1].parent if installed else None


def _node() -> Path | None:
    in_environment = CHECKOUT / ".venv" / "bin" / "node"
    return in_environment if in_environment.exists() else _first("node")


def _shared_fixtures() -> Path | None:
    folder = CHECKOUT.parent / "shared" / "fixtures"
    return folder if folder.is_dir() else None


# What `make test` brings (.ci/peers); with CI=true each must be there.
PEERS: dict[str, Callable[[], Path | None]] = {
    "chromium": lambda: _first("chromium", "chromium-browser", "google-chrome"),
    "postgres": _postgres,  # the folder with initdb, pg_ctl and psql
    "redis": lambda: _first("redis-server"),
    "nginx": lambda: _first("nginx", "/usr/sbin/nginx"),  # sbin is not on everybody's PATH
    "openssl": lambda: _first("openssl"),
    "sipp": lambda: _first("sipp"),
    "sox": lambda: _first("sox"),
    "dovecot": lambda: _first("dovecot", "/usr/sbin/dovecot"),
    "espeak-ng": lambda: _first("espeak-ng"),
    "clamd": lambda: _first("clamd", "/usr/sbin/clamd"),
    "coturn": lambda: _first("turnserver"),
    "postfix": lambda: _first("postfix", "/usr/sbin/postfix"),
    "node": _node,
}

# Beside some checkouts only; a plain clone passes without.
EXTRAS: dict[str, Callable[[], Path | None]] = {"fixtures": _shared_fixtures}


def require(peer: str) -> Path:
    """Where `peer` is; skips the running test by the peer's name, or fails it with CI=true, when it is missing.

    `peer` is one of PEERS or EXTRAS (an extra is skipped in CI too).
    """
    if path := (PEERS | EXTRAS)[peer]():
        return path
    if peer in PEERS and os.environ.get("CI") == "true":
        pytest.fail(f"{peer} is missing on this machine, and CI needs it")
    pytest.skip(f"{peer} is missing on this machine")
