"""Clean copies of the checkout, for tests that do what a new user does."""

import os
import subprocess
from pathlib import Path

from tests.peers import CHECKOUT


def clean_copy(into: Path) -> Path:
    """What `git clone` gives at the checkout's HEAD: nothing built, nothing installed."""
    copy = into / "contact-hub"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(copy)], check=True)
    return copy


def new_user_environment() -> dict[str, str]:
    """The environment without what this checkout's virtual environment and make put into it."""
    made_by_us = {"VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in made_by_us}
    own = str(CHECKOUT / ".venv")
    kept["PATH"] = os.pathsep.join(path for path in kept["PATH"].split(os.pathsep) if not path.startswith(own))
    return kept
