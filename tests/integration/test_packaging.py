"""The way from a checkout to an installed command: sdist, wheel from it, run beside packages of the same names."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.copies import clean_copy, new_user_environment
from tests.peers import CHECKOUT, require


def hatch(folder: Path, target: str, out: Path) -> Path:
    """Builds `target` in `folder` with the tools of this virtual environment; returns the one file it made."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=folder, env=new_user_environment(), check=True)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from an unpacked sdist on a path without node, as pip does when it installs from source."""
    require("node")
    folder = tmp_path_factory.mktemp("packaging")
    sdist = hatch(clean_copy(folder), "sdist", folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    built = hatch(source, "wheel", folder / "wheel")
    assert not (source / "node_modules").exists()
    return built


def test_wheel_owns_one_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"contacthub"}


def test_wheel_is_complete(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    listing = subprocess.run(
        ["git", "ls-files", "hub", "routing", "mail", "webrtc", "channels", "agent_ui", "widget", "server.py"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    built = ("agent_ui/src/", "agent_ui/assets/", "widget/src/")
    needed = {f"contacthub/{name}" for name in listing.stdout.splitlines() if not name.startswith(built)}
    assert needed - names == set()
    assert {"contacthub/static/manifest.json", "contacthub/static/LICENSES.txt"} <= names
    assert [name for name in names if name.endswith((".ts", ".tsx"))] == []


def test_runs_beside_packages_of_the_same_names(wheel: Path, tmp_path: Path) -> None:
    """The dependencies come from this environment; the checkout must not be importable, the decoys must be."""
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    for name in ("hub", "mail", "channels", "server"):
        (site / f"{name}.py").write_text(f"raise RuntimeError('somebody else`s {name} was imported')\n")
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), dependencies])}
    # -S leaves out the .pth files of this environment, and with them the checkout.
    command = [sys.executable, "-S", "-m", "contacthub", "version"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "0.1.0" in run.stdout
