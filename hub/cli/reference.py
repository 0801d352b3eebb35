"""Writes docs/reference/configuration.md and docs/reference/cli.md from the code: `python -m hub.cli.reference`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from hub import config_text
from hub.cli.app import make_app
from hub.cli.finding import Checks
from hub.simulation import Report

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"

_HEAD = """# The command line

`contacthub --config PATH COMMAND` takes its configuration from PATH; without `--config` from `hub.toml` in the current
folder, if there is one. Commands about a hub's data work while the hub runs, but for `restore`; the hub notices within
two seconds.

Exit codes: 0 it was done, 1 it failed (a sentence on standard error says why), 2 it was called wrongly. With `--json`
standard output holds one JSON value and nothing else. Progress is shown on terminals only.

This page is written from the code (`python -m hub.cli.reference`); a test holds the two together.
"""


def commands() -> str:
    """docs/reference/cli.md."""
    root = get_command(
        make_app(
            lambda config, ready: None,
            lambda job, config, progress: Report(outcomes={}),
            Checks(lambda voice, trunks: [], lambda email, mailboxes, kept: []),
        )
    )
    assert isinstance(root, TyperGroup)
    lines = [_HEAD]
    for words, command in _leaves(root, ("contacthub",)):
        arguments = [each for each in command.params if isinstance(each, TyperArgument)]
        options = [each for each in command.params if isinstance(each, TyperOption) and each.name != "help"]
        names = [_placeholder(argument) for argument in arguments]
        lines += [f"## {' '.join((*words, *names))}", "", inspect.cleandoc(command.help or ""), ""]
        rows = [(f"`{_placeholder(a)}`", a.help or "", a.required, a.default) for a in arguments]
        rows += [(f"`{_flag(option)}`", option.help or "", False, option.default) for option in options]
        if rows:
            lines += ["| argument | what it is | default |", "|---|---|---|"]
            for name, text, required, default in rows:
                lines.append(f"| {name} | {text} | {'required' if required else _default(default)} |")
            lines.append("")
    return "\n".join(lines)


def _leaves(group: TyperGroup, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _leaves(command, (*words, name))
        elif isinstance(command, TyperCommand):
            yield (*words, name), command


def _placeholder(argument: TyperArgument) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _flag(option: TyperOption) -> str:
    flag = max(option.opts, key=len)
    if option.is_flag:
        return flag
    return f"{flag} {option.metavar or flag.removeprefix('--').replace('-', '_').upper()}"


def _default(value: object) -> str:
    if value is None or value is False or value == "":
        return ""
    return f"`{value}`"


def write() -> None:
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / "configuration.md").write_text(config_text.reference(), encoding="utf-8")
    (DOCS / "cli.md").write_text(commands(), encoding="utf-8")


if __name__ == "__main__":
    write()
