"""What leaves a customer's page for an agent, and how it is played back; run by node."""

import subprocess
from pathlib import Path

import pytest

from tests.peers import require


@pytest.mark.parametrize("part", ["scrub", "frames", "acting", "film", "raster"])
def test_part(part: str) -> None:
    script = Path(__file__).with_name(f"cobrowse_{part}.test.mjs")
    done = subprocess.run([require("node"), "--test", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
