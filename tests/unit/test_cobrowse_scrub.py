"""What a customer's page says of itself to an agent, after `widget/src/cobrowse/scrub.ts`."""

import subprocess
from pathlib import Path

from tests.peers import require


def test_scrub() -> None:
    script = Path(__file__).with_name("cobrowse_scrub.test.mjs")
    done = subprocess.run([require("node"), "--test", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
