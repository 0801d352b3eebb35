"""Threads that nobody waits for: what they give or raise is told, and a program ends without them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.interpreter import unattended
from tests.peers import CHECKOUT

STALLED = """
import asyncio, sys
from hub.interpreter import unattended

async def main():
    try:
        await asyncio.wait_for(unattended(open, sys.argv[1]), 0.2)
    except TimeoutError:
        print("gave up")

asyncio.run(main())
"""


async def test_what_it_gives_and_raises_is_told() -> None:
    assert await unattended(int, "7") == 7
    with pytest.raises(ValueError, match="seven"):
        await unattended(int, "seven")


def test_a_program_ends_while_a_disk_stalls(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", STALLED, str(tmp_path / "pipe")]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "gave up\n", "")
