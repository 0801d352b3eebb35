"""Brings a database to the schema that this version of the code works with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Text, column, inspect, select, table, text

from hub.errors import ConfigError

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision in migrations/versions; a test holds the two together.
SCHEMA = "0007"
FOLDER = Path(__file__).parent / "migrations"
# Any number that nothing else on the server takes: nodes that start together migrate one after the other.
_LOCK = 0x636F6E74616374


def current_schema(connection: Connection) -> str | None:
    """The database's revision, None when it is empty. Raises ConfigError when the database is somebody else's."""
    names = inspect(connection).get_table_names()
    if "alembic_version" not in names:
        if "events" in names or "contacts" in names:
            raise ConfigError("store.url: expected an empty database or one of Contact Hub")
        return None
    return connection.scalar(select(column("version_num", Text)).select_from(table("alembic_version")))


def migrate(connection: Connection, to: str = SCHEMA) -> None:
    """Carries out the revisions up to `to` in the connection's transaction.

    Raises ConfigError when the database was written by a newer version of the hub.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    schema = current_schema(connection)
    if schema == to:
        return
    # Alembic takes a while to import, and a start that finds everything in place does without.
    from alembic import command

    config = alembic_config(connection)
    if schema is not None and schema not in known_schemas(config):
        raise ConfigError(
            f"store.url: this database was written by a newer Contact Hub (schema {schema}, this one knows {SCHEMA})"
        )
    command.upgrade(config, to)


def alembic_config(connection: Connection | None = None) -> Config:
    """The configuration for alembic's commands; its `alembic.ini` is this function."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def known_schemas(config: Config) -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def newest_schema(config: Config) -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(config).get_current_head()
