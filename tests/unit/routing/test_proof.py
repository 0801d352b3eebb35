"""The table of invariants in docs/routing-proof.md names what is there."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
HERE = Path("tests/unit/routing")


def test_each_invariant_is_checked_by_something_that_exists() -> None:
    page = (CHECKOUT / "docs/routing-proof.md").read_text()
    rows = re.findall(r"^\| (O?\d+) \|[^|]*\|([^|]*)\|$", page, re.MULTILINE)
    assert [number for number, _ in rows] == [*map(str, range(1, 29)), *(f"O{number}" for number in range(1, 8))]
    for number, checks in rows:
        named = re.findall(r"`([\w/.]+)::(\w+)`", checks)
        assert named, f"invariant {number} names no check"
        for file, name in named:
            path = CHECKOUT / (Path(file) if "/" in file else HERE / file)
            assert re.search(rf"def {name}\(", path.read_text()), f"invariant {number}: {file}::{name}"
