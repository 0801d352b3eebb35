"""The built front end: which file a logical name stands for, and the files themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from hub.errors import ConfigError


class Asset(Struct, frozen=True):
    """One row of static/manifest.json; `bytes` and `gzip` are sizes."""

    file: str
    css: str | None = None
    imports: tuple[str, ...] = ()
    bytes: int = 0
    gzip: int = 0


class Assets:
    """Raises ConfigError when the front end was not built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            data: Any = msgspec.json.decode((folder / "manifest.json").read_bytes())
            self.rows = msgspec.convert(data, dict[str, Asset])
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(f"{folder / 'manifest.json'}: the front end is not built; run `make build`") from error

    def url(self, name: str) -> str:
        """The address of a logical name's file. Raises KeyError."""
        return f"/static/{self.rows[name].file}"

    def optional(self, name: str) -> str | None:
        return f"/static/{self.rows[name].file}" if name in self.rows else None

    def styles(self, name: str) -> list[str]:
        css = self.rows[name].css
        return [f"/static/{css}"] if css else []

    def preload(self, name: str) -> list[str]:
        return [f"/static/{file}" for file in self.rows[name].imports]


class HashedFiles(StaticFiles):
    """Names hold the content's hash, so a file never changes and may be kept for ever."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response
