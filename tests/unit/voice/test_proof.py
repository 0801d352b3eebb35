"""The tables of faults in docs/voice-proof.md name tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| (?!fault \||what \||---)([^|]+) \|([^|]*)\|$", re.MULTILINE)


def test_each_fault_is_held_by_tests_that_exist() -> None:
    rows = ROW.findall((CHECKOUT / "docs/voice-proof.md").read_text())
    assert len(rows) > 35
    for fault, tests in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
        assert named, f"{fault}: no test is named"
        for file, name in named:
            text = (CHECKOUT / "tests" / file).read_text()
            assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{fault}: {file}::{name}"
