"""What docs/architecture.md promises: the arrows between the folders, the purity of the cores, the size of files."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture import SourceTree
from tests.peers import CHECKOUT

# Who may import whom, beside itself.
ARROWS: dict[str, set[str]] = {
    "hub": set(),
    "routing": {"hub"},
    "mail": {"hub"},
    "webrtc": {"hub"},
    "channels": {"hub", "mail", "webrtc"},
    "agent_ui": {"hub"},
    "widget": {"hub"},
    "server": {"hub", "routing", "mail", "webrtc", "channels", "agent_ui", "widget"},
    "contacthub": {"server"},
}
FOLDERS = tuple(name for name in ARROWS if name != "server")
TOPS = (*FOLDERS, "server.py")

# Inside hub: none of these may need a later one, not even through a module that is not named here.
HUB_ORDER = ("hub.model", "hub.events", "hub.machine", "hub.ports", "hub.service")

# Time, ids and randomness are arguments here, and a pure module imports only pure modules of ours.
PURE = (
    "hub/model.py",
    "hub/event_base.py",
    "hub/events.py",
    "hub/answer_times.py",
    "hub/call_records.py",
    "hub/callbacks/*.py",
    "hub/cobrowse_events.py",
    "hub/commands.py",
    "hub/config_mail.py",
    "hub/config_row.py",
    "hub/config_rows.py",
    "hub/config_sharing.py",
    "hub/errors.py",
    "hub/file_types.py",
    "hub/flows/*.py",
    "hub/machine.py",
    "hub/machine_*.py",
    "hub/mail_rules.py",
    "hub/mail_template.py",
    "hub/hours.py",
    "hub/numbers.py",
    "hub/patterns.py",
    "hub/rules.py",
    "hub/toml_values.py",
    "hub/triage_report.py",
    "hub/estimate.py",
    "hub/permissions.py",
    "hub/simulation.py",
    "routing/*.py",
    "mail/*.py",
    "webrtc/answering.py",
    "webrtc/dtmf.py",
    "webrtc/g711.py",
    "webrtc/jitter.py",
    "webrtc/ogg.py",
    "webrtc/quality.py",
    "webrtc/rtp.py",
    "webrtc/sdp.py",
    "webrtc/stream.py",
    "webrtc/wav.py",
    "channels/callback/keys.py",
    "channels/callback/notice_words.py",
    "channels/callback/text_words.py",
    "channels/cobrowse/card.py",
    "channels/cobrowse/codes.py",
    "channels/cobrowse/pictures.py",
    "channels/cobrowse/relay.py",
    "channels/cobrowse/session.py",
    "channels/voice/call.py",
    "channels/voice/call_values.py",
    "channels/voice/call_state.py",
    "channels/voice/call_steps.py",
    "channels/voice/guiding.py",
    "channels/voice/page_ring.py",
    "channels/voice/place_menu.py",
    "channels/voice/screening.py",
    "channels/voice/standing.py",
    "channels/voice/tape.py",
    "channels/voice/sip/*.py",
)
# The asyncio shells among them.
SHELLS = (
    "mail/worker*.py",
    *("routing/dispatch*.py", "routing/offices.py", "routing/recorded.py", "routing/simulator.py"),
    *("channels/voice/sip/transport*.py", "channels/voice/sip/resolve*.py"),
)

LONGEST_FILE = 500
# Path -> why it may be longer.
LONGER_FILES: dict[str, str] = {}


@pytest.fixture(scope="module")
def tree() -> SourceTree:
    return SourceTree(CHECKOUT, TOPS)


def wrong_arrows(tree: SourceTree) -> list[str]:
    problems = []
    for found in tree.imports:
        importer, imported = found.importer.split(".")[0], found.imported.split(".")[0]
        if imported in {"tests", "bench"} or (
            imported in ARROWS and imported != importer and imported not in ARROWS[importer]
        ):
            problems.append(f"{found.where}: {importer} must not import {found.imported}")
    return problems


def wrong_order(tree: SourceTree) -> list[str]:
    def rank(module: str) -> int | None:
        return next((n for n, name in enumerate(HUB_ORDER) if module == name or module.startswith(name + ".")), None)

    problems = []
    for module in tree.paths:
        own = rank(module)
        if own is None:
            continue
        for imported, found in tree.reachable(module).items():
            other = rank(imported)
            if other is not None and other > own:
                problems.append(f"{module} needs {imported}, by way of {found.where}")
    return problems


def cycle(tree: SourceTree) -> list[str]:
    graph = {module: {found.imported for found in tree.own_imports(module)} - {module} for module in tree.paths}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def impurities(tree: SourceTree) -> list[str]:
    def is_pure(module: str) -> bool:
        path = tree.paths[module].relative_to(tree.root).as_posix()
        return any(fnmatch(path, name) for name in PURE) and not any(fnmatch(path, name) for name in SHELLS)

    problems: list[str] = []
    for module in filter(is_pure, tree.paths):
        problems += tree.impurities(module)
        for found in tree.own_imports(module):
            # A package's __init__ that only says what the package is for does no harm.
            if not is_pure(found.imported) and tree.paths[found.imported].name != "__init__.py":
                problems.append(f"{found.where}: imports {found.imported}, which is not pure")
    return problems


RULES: list[Callable[[SourceTree], list[str]]] = [wrong_arrows, wrong_order, cycle, impurities]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_source_follows(rule: Callable[[SourceTree], list[str]], tree: SourceTree) -> None:
    assert not rule(tree)


def test_cores_are_there(tree: SourceTree) -> None:
    """A core that was moved or renamed must not silently leave the list of pure modules."""
    assert {"hub.model", "hub.events", "hub.machine", "hub.ports"} <= set(tree.paths)


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (wrong_arrows, "hub/a.py", "import routing.engine"),
        (wrong_arrows, "hub/a.py", "def later():\n    from channels import chat"),
        (wrong_arrows, "widget/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import agent_ui"),
        (wrong_arrows, "routing/a.py", "import importlib\nimportlib.import_module('mail.parse')"),
        (wrong_arrows, "hub/a.py", "from tests.peers import require"),
        (wrong_order, "hub/machine.py", "from hub.ports import Store"),
        (wrong_order, "hub/model.py", "from . import helper"),
        (cycle, "hub/ports.py", "def later():\n    from hub import ports_two"),
        (impurities, "hub/machine.py", "import asyncio"),
        (impurities, "hub/machine.py", "from datetime import datetime\nnow = datetime.now()"),
        (impurities, "hub/machine.py", "import datetime\nnow = datetime.datetime.now(datetime.UTC)"),
        (impurities, "hub/machine.py", "async def decide(): ..."),
        (impurities, "hub/machine.py", "open('x')"),
        (impurities, "hub/machine.py", "from hub import helper"),
        (impurities, "routing/engine_two.py", "from random import random"),
    ],
)
def test_rule_sees(rule: Callable[[SourceTree], list[str]], path: str, source: str, tmp_path: Path) -> None:
    """Each rule refuses a tree with one fault, and nothing else about that tree."""
    sound = {
        "hub/__init__.py": "",
        "hub/ports.py": "class Store: ...",
        "hub/ports_two.py": "from hub.ports import Store",
        "hub/helper.py": "import hub.machine",
        "routing/__init__.py": "",
        "channels/__init__.py": "",
        "agent_ui/__init__.py": "",
    }
    for name, text in {**sound, "hub/machine.py": "", path: source}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert len(rule(SourceTree(tmp_path, TOPS))) == 1


def tracked(*suffixes: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [CHECKOUT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.suffix in suffixes and path.is_file()]


def test_files_have_one_subject() -> None:
    long = {
        path.relative_to(CHECKOUT).as_posix(): lines
        for path in tracked(".py", ".ts", ".tsx", ".css", ".mjs")
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert {name: lines for name, lines in long.items() if name not in LONGER_FILES} == {}
    assert set(LONGER_FILES) <= set(long), "an exception that is no longer needed"


def test_no_mocks() -> None:
    """Tests talk to real things: a mock proves that a call was made, not that it works."""
    tests = SourceTree(CHECKOUT, ("tests",))
    assert [found.where for found in tests.imports if found.imported.startswith("unittest.mock")] == []


def test_every_folder_is_explained() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text()
    missing = [name for name in (*FOLDERS, "static", "tests", "bench", "docs") if f"`{name}/`" not in text]
    assert missing == []


def test_explained_paths_are_there() -> None:
    """The map must not show what was moved or renamed."""
    named = re.findall(r"`([\w.]+/[\w./]*)`", (CHECKOUT / "docs" / "architecture.md").read_text())
    built = "static/manifest.json", "static/LICENSES.txt"
    assert [name for name in named if name not in built and not (CHECKOUT / name).exists()] == []


def test_dependencies_are_accounted_for() -> None:
    """docs/dependencies.md has a line for whatever pyproject.toml and package.json bring in."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    requirements = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["dependency-groups"]["build"],
    ]
    package = json.loads((CHECKOUT / "package.json").read_text())
    names = {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements} - {"contacthub"}
    names |= set(package["dependencies"]) | set(package["devDependencies"])
    text = (CHECKOUT / "docs" / "dependencies.md").read_text()
    assert sorted(name for name in names if f"| {name} |" not in text) == []


def test_lock_file_names_no_server() -> None:
    """`npm ci` asks whatever registry the machine is set up for, so the lock file must not name one."""
    assert '"resolved"' not in (CHECKOUT / "package-lock.json").read_text()
