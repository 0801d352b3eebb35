"""Python as the server sets it, seen from a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
THREADS = 8
# Each thread checks passwords in its turn, as the pool's threads do; then what the process holds, in megabytes.
CHECKS = f"""
import threading
from hub.interpreter import give_back
from hub.passwords import HASHER

give_back()

def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 // 1_000_000

turn = threading.Barrier({THREADS})

def check():
    for number in range({THREADS}):
        if turn.wait() == 0:
            HASHER.hash("correct horse")
        turn.wait()

before = held()
threads = [threading.Thread(target=check) for _ in range({THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(held() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells what a process holds: Linux")
def test_threads_that_check_passwords_keep_no_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECKS], cwd=CHECKOUT, env=os.environ.copy(), capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 19, "less than one of them had"
