"""Launcher: makes the top-level folders importable and hands over to `server.main`.

In a checkout they lie beside this folder, in a wheel inside it (so that an installed Contact Hub owns one name only and
never overwrites somebody's `mail` or `channels`). Importing this package changes nothing; `main` does.
"""

import gc
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def root() -> Path:
    """The folder that holds server.py and the packages."""
    return HERE if (HERE / "server.py").is_file() else HERE.parent


def main() -> None:
    """Run the command line; never returns (see `server.main` for the exit codes)."""
    sys.path.insert(0, str(root()))
    # Nothing that is imported becomes garbage: looking for some meanwhile would make the start an eighth longer.
    gc.disable()
    try:
        # Only now can it be found: an import at the head of the file would fail in a wheel.
        from server import main as run
    except KeyboardInterrupt:
        sys.exit(0)
    gc.enable()
    sys.exit(run())
