"""hub.toml with every setting, and the reference page about it, both written from the structs of `hub/config.py`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from hub.config import Config, expected, hints
from hub.config_base import Secret

_WIDTH = 100
# What a setting that has no default could be.
_EXAMPLES = {
    "callbacks.enabled": "true",
    "bus.password": '{env = "CONTACTHUB_BUS_PASSWORD"}',
    "store.password": '{env = "CONTACTHUB_STORE_PASSWORD"}',
    "recordings.key": '{file = "/run/secrets/recordings_key"}',
    "voice.turn_secret": '{env = "CONTACTHUB_TURN_SECRET"}',
    "security.secret_key": '{file = "/run/secrets/contacthub_key"}',
}


class Setting(Struct, frozen=True):
    """A line of hub.toml. `default` is as TOML writes it, None when the setting is off unless it is given."""

    path: str
    name: str
    description: str
    expected: str
    default: str | None

    @property
    def line(self) -> str:
        return f"{self.name} = {_EXAMPLES[self.path] if self.default is None else self.default}"


class SectionText(Struct, frozen=True):
    name: str
    description: str
    settings: list[Setting]


def sections() -> Iterator[SectionText]:
    """All of hub.toml, in the order of the structs."""
    defaults = Config()
    for name, section in hints(Config).items():
        settings = [
            Setting(
                f"{name}.{key}",
                key,
                _description(annotation),
                _in_words(annotation),
                _toml(getattr(getattr(defaults, name), key)),
            )
            for key, annotation in hints(section).items()
        ]
        yield SectionText(name, (section.__doc__ or "").strip(), settings)


def hub_toml() -> str:
    """A hub.toml in which every setting stands with its default, commented out."""
    lines = [
        "# The configuration of Contact Hub. Every setting stands here with its default; take its # away to change it.",
        "# Relative paths are taken from this file's folder. `contacthub check` tells whether all is well.",
    ]
    for section in sections():
        lines += ["", "", *_comment(section.description), f"[{section.name}]"]
        for setting in section.settings:
            lines += ["", *_comment(setting.description), f"# {setting.line}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def reference() -> str:
    """docs/reference/configuration.md."""
    lines = [_HEAD]
    for section in sections():
        lines += [f"## [{section.name}]", "", section.description, ""]
        lines += ["| setting | what it is | takes | default |", "|---|---|---|---|"]
        for setting in section.settings:
            default = "none" if setting.default is None else f"`{setting.default}`"
            cells = (f"`{setting.name}`", setting.description, setting.expected, default)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


_HEAD = """# hub.toml

Everything that can be set, with its default. `contacthub init` writes a file in which all of it stands commented out;
`contacthub check` tells whether a file is right and what it names can be reached. What administrators edit on the
pages (queues, skills, users, hours, sites, canned replies) is not here but in the database.

The command line takes the file from `--config`, else `hub.toml` in the current folder, else the defaults below.
Relative paths are taken from the file's own folder. Settings that do not exist are mistakes, and a mistake names its
path and what was expected there:

    server.port: expected a port number, got "imap"
    server.prt: there is no such setting; did you mean port?

Secrets never stand in the file. They are named: `{env = "NAME"}` is an environment variable, `{file = "path"}` the
content of a file.

This page is written from the code (`python -m hub.cli.reference`); a test holds the two together.
"""


def _description(annotation: Any) -> str:
    return " ".join(
        meta.description for meta in annotation.__metadata__ if isinstance(meta, Meta) and meta.description is not None
    )


_KINDS = {int: "a whole number", str: "text", bool: "true or false"}


def _in_words(annotation: Any) -> str:
    words = expected(annotation)
    if words:
        return words
    bare = get_args(annotation)[0]
    return "a list of text" if get_origin(bare) is tuple else _KINDS[bare]


def _toml(value: Any) -> str | None:
    """The value as TOML writes it; None for a secret that is not given."""
    match value:
        case None | Secret():
            return None
        case tuple():
            return "[" + ", ".join(filter(None, map(_toml, value))) + "]"
        case int() if not isinstance(value, bool) and value >= 10_000:
            return f"{value:_}"
        case _:
            return msgspec.json.encode(value).decode()
