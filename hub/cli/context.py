"""What most commands begin with: the configuration, the store, the accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import typer

from hub.auth import Auth, AuthSettings
from hub.cli.output import Failed
from hub.clock import SystemClock
from hub.config import Config, load
from hub.ports import Store
from hub.store import open_store

# Who did it, in the audit log.
ACTOR = "system"


def config_path(context: typer.Context) -> Path | None:
    """--config, else hub.toml here if there is one."""
    if isinstance(context.obj, Path):
        return context.obj
    here = Path("hub.toml")
    return here if here.exists() else None


def read_config(context: typer.Context) -> Config:
    """Raises ConfigError."""
    return load(config_path(context))


def read_known_config(context: typer.Context) -> Config:
    """As `read_config`, for commands about a hub that is there: an empty one is not made up in whatever folder the
    command was typed. Raises Failed, ConfigError."""
    config = read_config(context)
    if config_path(context) is None and not (config.data_dir / "hub.db").exists():
        raise Failed("There is no hub.toml here. Name one with --config, or write one with `contacthub init`.")
    return config


@asynccontextmanager
async def accounts(config: Config) -> AsyncIterator[tuple[Store, Auth]]:
    """The store, also one that a running hub works on, and what users are made and changed with."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    store = open_store(config.store_url)
    await store.open()
    try:
        yield store, Auth(store, SystemClock(), AuthSettings(shortest_password=config.shortest_password))
    finally:
        await store.close()
