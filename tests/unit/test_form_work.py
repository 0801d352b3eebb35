"""What browsers do to solve a form's puzzle, and that the hub takes it as solved."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from channels.email import puzzle
from tests.peers import CHECKOUT, require

WORK = CHECKOUT / "widget/src/panel/work.ts"


def test_hash_and_counter() -> None:
    script = Path(__file__).with_name("form_work.test.mjs")
    done = subprocess.run([require("node"), "--test", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("bits", [1, puzzle.EASY])
def test_the_hub_takes_what_a_browser_has_solved(bits: int) -> None:
    made = puzzle.make("demo", 1, bits)
    say = f'import {{ solve }} from "{WORK.as_uri()}"; console.log(solve("{made.nonce}", {bits}))'
    command = [str(require("node")), "--input-type=module", "-e", say]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert puzzle.solved(made, int(done.stdout))
