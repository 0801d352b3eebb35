"""Pages of PDFs as pictures, so that nobody has to open a stranger's PDF to see what it is."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import OrderedDict
from pathlib import Path

from msgspec import Struct

from hub.errors import UnsupportedType

SCRIPT = Path(__file__).with_name("pdf_page.py")
TIMEOUT_S = 10.0
WIDTH = 1200
AT_ONCE = 2
KEPT_BYTES = 32_000_000


class PageView(Struct, frozen=True):
    """One page as WebP, and how many there are."""

    pages: int
    data: bytes


class Previews:
    """Draws pages, a few at once, and keeps those that were asked for last."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)
        self._kept: OrderedDict[tuple[str, int], PageView] = OrderedDict()
        self._size = 0

    async def page(self, sha256: str, path: Path, number: int) -> PageView:
        """Page `number`, from 0, of the content `sha256`. Raises UnsupportedType for what cannot be drawn."""
        key = (sha256, number)
        async with self._room:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
            drawn = await _draw(path, number)
            self._keep(key, drawn)
            return drawn

    def _keep(self, key: tuple[str, int], view: PageView) -> None:
        self._kept[key] = view
        self._size += len(view.data)
        while self._size > KEPT_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone.data)


async def _draw(path: Path, number: int) -> PageView:
    # -I: nothing of the environment reaches it, and none of our modules is in its way.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(SCRIPT), str(path), str(number), str(WIDTH)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, _ = await process.communicate()
    except TimeoutError:
        out = b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode != 0 or len(out) < 5:
        raise UnsupportedType("This file cannot be shown; save it to open it.", code="file.no_preview")
    return PageView(int.from_bytes(out[:4], "big"), out[4:])
