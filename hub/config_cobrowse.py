"""The section [cobrowse] of hub.toml: whether pages are shared, and where agents' browsers find the viewer."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from hub.config_base import Port, Section, meta
from hub.errors import ConfigError


class Cobrowse(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Co-browsing: agents see customers' pages, in a viewer that has to live on an origin of its own."""

    enabled: Annotated[bool, meta("Whether customers may share their pages with agents.")] = False
    viewer_url: Annotated[
        str,
        meta(
            "The viewer's own origin, of a host name that leads to the hub's port, best on another site, such as "
            "https://view.example.net; empty: the hub's host on viewer_port.",
            "a web address such as https://view.example.net",
            pattern=r"^(https?://[^/]+)?$",
        ),
    ] = ""
    viewer_port: Annotated[
        Port, meta("Port of the viewer where it has no host name of its own; 0 takes the one after the hub's.")
    ] = 0


def check_cobrowse(cobrowse: Cobrowse, public_url: str) -> None:
    """Raises ConfigError."""
    if not cobrowse.enabled:
        return
    if cobrowse.viewer_url and urlsplit(cobrowse.viewer_url).netloc.lower() == urlsplit(public_url).netloc.lower():
        raise ConfigError("cobrowse.viewer_url: expected another host name than the hub's own, server.public_url")
    if public_url.startswith("https:") and not cobrowse.viewer_url:
        raise ConfigError(
            "cobrowse.viewer_url: expected the viewer's own address, as the hub is reached by https (server.public_url)"
        )
