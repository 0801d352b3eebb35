"""The command line. Exit codes: 0 ok, 1 failed, 2 used wrongly."""

from hub.cli.app import make_app

__all__ = ["make_app"]
