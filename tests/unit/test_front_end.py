"""What `build.mjs` made: complete, within its budget of bytes, and with nothing that our pages' policy forbids."""

import json
import re
from typing import Any

import pytest

from tests.peers import CHECKOUT

STATIC = CHECKOUT / "static"

# Gzipped bytes of all that a browser fetches before the entry runs. The widget is a guest on somebody else's page.
BUDGETS = {"widget": 3_000, "panel": 35_000, "cobrowse": 32_000}

# `eval` and `new Function` need 'unsafe-eval', which our pages and many host pages refuse.
EVALUATES = re.compile(rb"\beval\(|\bnew Function\(")


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, Any]]:
    path = STATIC / "manifest.json"
    if not path.exists():
        pytest.fail("the front end is not built: make static/manifest.json")
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return rows


def test_every_file_is_there(manifest: dict[str, dict[str, Any]]) -> None:
    for row in manifest.values():
        for name in [row["file"], *row.get("imports", []), *([row["css"]] if "css" in row else [])]:
            assert (STATIC / name).is_file(), name


@pytest.mark.parametrize("entry", BUDGETS)
def test_budget(entry: str, manifest: dict[str, dict[str, Any]]) -> None:
    assert manifest[entry]["gzip"] <= BUDGETS[entry]


def test_no_script_evaluates_text(manifest: dict[str, dict[str, Any]]) -> None:
    scripts = {
        name for row in manifest.values() for name in [row["file"], *row.get("imports", [])] if name.endswith(".js")
    }
    assert [name for name in sorted(scripts) if EVALUATES.search((STATIC / name).read_bytes())] == []


def test_licences_go_along() -> None:
    text = (STATIC / "LICENSES.txt").read_text()
    assert "preact" in text
    assert "@rrweb/record" in text and "SmartX" in text
