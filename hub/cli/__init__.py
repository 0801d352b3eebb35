"""The command line. Exit codes: 0 ok, 1 failed, 2 used wrongly."""

from hub.cli.app import run_command

__all__ = ["run_command"]
