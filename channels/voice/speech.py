"""Words that nobody recorded, read aloud by a program of this machine (espeak-ng), each text once.

What was read is kept as a WAV file under the hash of language and text, so a flow's sentences cost one run each; of
those with a caller's own values in them only so many are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import sys
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

LONGEST_TEXT = 1_000
PROGRAM_S = 12.0
AT_ONCE = 2
MOST_FILES = 2_000
"""A second of speech is 8 kB, so these are some 100 MB at the most."""


class Speech:
    """`folder` is where what was read is kept; `program` is what reads, "" for none."""

    def __init__(self, folder: Path, program: str) -> None:
        self._folder = folder
        self._program = shutil.which(program) if program else None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[Path, asyncio.Task[bool]] = {}

    @property
    def reads(self) -> bool:
        """Whether there is a program that can read."""
        return self._program is not None

    async def files(self, text: str, language: str) -> tuple[str, ...]:
        """The file in which the text is read; () when it cannot be, or there is nothing to read."""
        text = " ".join(text.split())[:LONGEST_TEXT]
        if not text or self._program is None:
            return ()
        name = hashlib.sha256(f"{language}\n{text}".encode()).hexdigest()
        path = self._folder / f"{name}.wav"
        task = self._under_way.get(path)
        if task is None:
            task = asyncio.create_task(self._there(path, text, language))
            self._under_way[path] = task
            task.add_done_callback(lambda _: self._under_way.pop(path, None))
        return (str(path),) if await asyncio.shield(task) else ()

    async def stop(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _there(self, path: Path, text: str, language: str) -> bool:
        if await asyncio.to_thread(_used, path):
            return True
        async with self._room:
            return await self._read(path, text, language)

    async def _read(self, path: Path, text: str, language: str) -> bool:
        assert self._program is not None
        await asyncio.to_thread(_make_room, self._folder)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "channels.voice.speech_process", self._program, voice_of(language), str(path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PROGRAM_S):
                _, said = await process.communicate(text.encode())
        except TimeoutError:
            log.error("speech.late", language=language)
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            log.error("speech.failed", language=language, error=said.decode(errors="replace")[-300:])
        return process.returncode == 0


def voice_of(language: str) -> str:
    """espeak-ng's name of a language."""
    base = language.split("-")[0].lower()
    return {"zh": "cmn", "en": "en-gb"}.get(base, base)


def _used(path: Path) -> bool:
    """Whether it is there; if so it is used now, and so kept for longer."""
    try:
        path.touch(exist_ok=True) if path.stat().st_size else None
    except OSError:
        return False
    return True


def _make_room(folder: Path) -> None:
    """Of too many files those go that were not used for longest."""
    folder.mkdir(parents=True, exist_ok=True)
    files = list(folder.glob("*.wav"))
    if len(files) >= MOST_FILES:
        for path in sorted(files, key=lambda path: path.stat().st_mtime)[: MOST_FILES // 4]:
            path.unlink(missing_ok=True)
