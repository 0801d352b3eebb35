"""Pure parts of the agent's mail in the browser, run by node as they stand."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hub.sockets import LARGEST_EVENT
from tests.peers import require


def test_what_goes_by_which_way() -> None:
    script = Path(__file__).with_name("mail_desk.test.mjs")
    assert f"const LIMIT = {LARGEST_EVENT // 1024} * 1024;" in script.read_text()
    done = subprocess.run([require("node"), "--test", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
