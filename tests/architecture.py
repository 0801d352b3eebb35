"""Reads a source tree's imports and what its modules do, for tests/test_architecture.py to judge."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# A pure module computes from its arguments. Whatever could wait, look at the world or differ from run to run is not for
# it.
IMPURE_MODULES = frozenset(
    {
        *(
            "aiohttp",
            "aiosqlite",
            "anyio",
            "asyncio",
            "asyncpg",
            "concurrent",
            "engineio",
            "httpx",
            "redis",
            "socketio",
        ),
        *("sqlalchemy", "starlette", "structlog", "uvicorn", "uvloop", "websockets"),
        *("ftplib", "http", "imaplib", "select", "selectors", "smtplib", "socket", "socketserver", "ssl"),
        *("fcntl", "getpass", "glob", "io", "logging", "mmap", "os", "pathlib", "shutil", "sqlite3", "sys", "tempfile"),
        *("ctypes", "importlib", "multiprocessing", "platform", "queue", "signal", "subprocess", "threading"),
        *("random", "secrets", "time", "urllib.request", "uuid"),
    }
)
IMPURE_BUILTINS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})
CLOCK_METHODS = frozenset({"now", "utcnow", "today"})


@dataclass(frozen=True, slots=True)
class Import:
    """`importer` (a dotted module of the tree) imports `imported` (a dotted module of the tree, or of elsewhere)."""

    importer: str
    imported: str
    where: str  # path:line


class SourceTree:
    """The Python modules under `root`, in the given top-level folders and files.

    Every import counts: at the head of a file, in a function, under TYPE_CHECKING, and `import_module("...")`.
    """

    def __init__(self, root: Path, tops: tuple[str, ...]) -> None:
        self.root = root
        self.paths: dict[str, Path] = {}
        for top in tops:
            folder = root / top
            for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]:
                if path.is_file():
                    self.paths[_module_name(path.relative_to(root))] = path
        self.trees = {name: ast.parse(path.read_text(), str(path)) for name, path in self.paths.items()}

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(found for module in self.trees for found in self._imports_of(module))

    def own_imports(self, module: str) -> Iterator[Import]:
        """The imports of `module` that stay inside the tree."""
        return (found for found in self.imports if found.importer == module and found.imported in self.paths)

    def reachable(self, module: str) -> dict[str, Import]:
        """Every module of the tree that importing `module` brings along, with the import that brought it."""
        seen: dict[str, Import] = {}
        waiting = [module]
        while waiting:
            for found in self.own_imports(waiting.pop()):
                if found.imported not in seen and found.imported != module:
                    seen[found.imported] = found
                    waiting.append(found.imported)
        return seen

    def impurities(self, module: str) -> Iterator[str]:
        """What `module` does that a pure module must not, as `path:line: what`."""
        for found in self.imports:
            if found.importer == module and any(_inside(found.imported, impure) for impure in IMPURE_MODULES):
                yield f"{found.where}: imports {found.imported}"
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
                yield f"{self._where(module, node)}: is asynchronous"
            if isinstance(node, ast.Call):
                match node.func:
                    case ast.Name(id=name) if name in IMPURE_BUILTINS:
                        yield f"{self._where(module, node)}: calls {name}"
                    case ast.Attribute(value=ast.Name(id="datetime" | "date") | ast.Attribute(), attr=attr) if (
                        attr in CLOCK_METHODS
                    ):
                        yield f"{self._where(module, node)}: reads the clock with {ast.unparse(node.func)}"

    def _imports_of(self, module: str) -> Iterator[Import]:
        for node in ast.walk(self.trees[module]):
            for name in self._names(module, node):
                yield Import(module, name, self._where(module, node))

    def _names(self, module: str, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                base = ".".join(part for part in (self._package(module, level), source) if part)
                for alias in names:
                    # `from hub import model` names a module, `from hub.model import Contact` a thing inside one.
                    deeper = f"{base}.{alias.name}"
                    yield base if base in self.paths and deeper not in self.paths else deeper
            case ast.Call(
                func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]
            ):
                if called in {"import_module", "__import__"}:
                    yield name

    def _package(self, module: str, level: int) -> str:
        if level == 0:
            return ""
        is_package = self.paths[module].name == "__init__.py"
        parts = module.split(".")
        return ".".join(parts[: len(parts) - level + (1 if is_package else 0)])

    def _where(self, module: str, node: ast.AST) -> str:
        return f"{self.paths[module].relative_to(self.root)}:{getattr(node, 'lineno', 1)}"


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")
