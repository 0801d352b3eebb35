"""The secrets that mailboxes name: passwords, OAuth's, keys."""

from __future__ import annotations

import os
from pathlib import Path

from hub.errors import ConfigError

VARIABLES = "CONTACTHUB_"
"""What variables' names begin with: who edits mailboxes may have no others told to a server of his choice."""


def read_secret(reference: str, folder: str) -> str:
    """What `env:NAME` or `file:NAME` (in `folder`) stands for. Reads a file. Raises ConfigError, saying why not."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        if not name.startswith(VARIABLES):
            raise ConfigError(f"A mailbox may only name variables that begin with {VARIABLES}.")
        value = os.environ.get(name, "")
        if not value:
            raise ConfigError(f"The environment variable {name} is not set.")
        return value
    if kind != "file" or name in ("", ".", "..") or "/" in name:
        raise ConfigError("A secret is named env:NAME or file:NAME.")
    if not folder:
        raise ConfigError("hub.toml names no folder of secrets (email.secrets).")
    try:
        return (Path(folder) / name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"The file {name} in the folder of secrets cannot be read.") from None
