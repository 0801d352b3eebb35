"""Which database a URL names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from hub.errors import ConfigError
from hub.store.engine import Database, SqliteDatabase


def database(url: str, *, busy_timeout_ms: int) -> Database:
    """The database that `url` names: `sqlite:///path/hub.db` or `postgresql://user@host/name`.

    Raises ConfigError for any other, and for PostgreSQL when its driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(f'store.url: expected sqlite:///path or postgresql://host/name, got "{url}"') from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return SqliteDatabase(Path(parsed.database), busy_timeout_ms=busy_timeout_ms)
        case "postgresql":
            try:
                # Takes a while to import, and needs packages that only the extra `postgres` brings.
                from hub.store.postgres import PostgresDatabase

                return PostgresDatabase(parsed, busy_timeout_ms=busy_timeout_ms)
            except ImportError:
                raise ConfigError("store.url: PostgreSQL needs the packages of contacthub[postgres]") from None
    shown = parsed.render_as_string(hide_password=True)
    raise ConfigError(f'store.url: expected sqlite:///path or postgresql://host/name, got "{shown}"')
