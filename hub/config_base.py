"""What every section of hub.toml is made of: described settings, secrets by reference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from hub.errors import ConfigError


def meta(description: str, expected: str = "", **limits: Any) -> Meta:
    return Meta(description=description, extra={"expected": expected} if expected else None, **limits)


Port = Annotated[int, Meta(ge=0, le=65535, extra={"expected": "a port number"})]
Seconds = Annotated[int, Meta(ge=1, le=30 * 24 * 3600, extra={"expected": "a whole number of seconds, 1 to 2592000"})]
Count = Annotated[int, Meta(ge=1, extra={"expected": "a whole number above 0"})]


BY_REFERENCE = 'either {env = "NAME"} or {file = "path"}'


class Secret(Struct, frozen=True, forbid_unknown_fields=True):
    """A secret by reference: `{env = "NAME"}` or `{file = "path"}`, never the secret itself."""

    env: str | None = None
    file: str | None = None

    def read(self, path: str) -> str:
        """The secret. Raises ConfigError, with `path` naming the setting, when it is not there."""
        if self.env is not None and self.file is None:
            value = os.environ.get(self.env)
            if not value:
                raise ConfigError(f"{path}.env: the environment variable {self.env} is not set")
            return value
        if self.file is not None and self.env is None:
            try:
                return Path(self.file).read_text().strip()
            except OSError as error:
                raise ConfigError(f"{path}.file: cannot read {self.file} ({error.strerror})") from None
        raise ConfigError(f"{path}: expected {BY_REFERENCE}")


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections."""
