"""The pure parts of the browsers' telephone, which desktop and widget share, run by node as they stand."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.peers import require


def test_figures_pulse_and_numbers() -> None:
    script = Path(__file__).with_name("browser_voice.test.mjs")
    done = subprocess.run([require("node"), "--test", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
