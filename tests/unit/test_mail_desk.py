"""Pure parts of the agent's mail in the browser, run by node as they stand."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from hub.sockets import LARGEST_EVENT
from mail.fold import fold_at, forward_marker, header_block
from tests.peers import require

SCRIPT = Path(__file__).with_name("mail_desk.test.mjs")


def test_what_the_browser_does(tmp_path: Path) -> None:
    assert f"const LIMIT = {LARGEST_EVENT // 1024} * 1024;" in SCRIPT.read_text()
    written = tmp_path / "quotations.json"
    environment = {**os.environ, "TZ": "UTC", "QUOTATIONS": str(written)}
    done = subprocess.run(
        [require("node"), "--test", str(SCRIPT)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Whoever answers such a mail has it folded away again, and a mail that we passed on is known for one.
    quotations = json.loads(written.read_text())
    assert len(quotations) == 4
    for attribution, head in quotations:
        own = "Yes.\n\n"
        for below in (f"{attribution}\n> Hello\n> World\n", f"{attribution}\n\nHello\n", f"{head}\n\nHello\n"):
            text = own + below
            assert text[: fold_at(text)] == own, text
        place = forward_marker(own + head)
        assert place is not None
        assert header_block(own + head, place) == "王伟 <wang@example.cn>"
