"""Which queue a mail belongs to, as learned from where agents answered such mails. Off unless hub.toml says otherwise.

It learns when it starts, every day and when it is asked to, in a process of its own, and all of it stays on this
machine. What it knows lies in that process alone: a new one learns anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from channels.email.classifier_messages import LENGTH, Guess, Guessed, Learn, Learned, Sample
from channels.email.triage import Guess as Found
from hub.config_email import Email
from hub.errors import Refused, Unavailable
from hub.model import Contact
from hub.ports import ContactFilter
from hub.service import Hub
from hub.sorting import GuessedQueue, Learning

log = structlog.get_logger(__name__)
T = TypeVar("T")

MISSING = "scikit-learn is not installed: `pip install contacthub[classifier]`, and start the hub again."
ROOT = str(Path(__file__).resolve().parent.parent.parent)
PAGE = 200
SAMPLES = 5_000
TEXT_LIMIT = 4_000
EVERY_S = 24 * 3600.0
AGAIN_S = 300.0
START_S = 120.0
"""For a new process, which has much to import."""
LEARN_S = 900.0
GUESS_S = 3.0


def installed() -> bool:
    """Whether the extra is there. Nothing of it is imported here."""
    return find_spec("sklearn") is not None


class _Process:
    """The process that learns and guesses, started when it is first needed. One question at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def ask(self, message: Learn | Guess, kind: type[T], seconds: float) -> T:
        """Raises Unavailable, and ends the process, when it does not answer in time or dies."""
        data = await asyncio.to_thread(msgspec.msgpack.encode, message)
        async with self._lock:
            try:
                process = self._process or await self._start()
                assert process.stdin is not None and process.stdout is not None
                async with asyncio.timeout(seconds):
                    process.stdin.write(LENGTH.pack(len(data)))
                    process.stdin.write(data)
                    await process.stdin.drain()
                    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                    return msgspec.msgpack.decode(await process.stdout.readexactly(length), type=kind)
            except (OSError, EOFError, msgspec.MsgspecError) as error:  # TimeoutError is an OSError
                await self.stop()
                raise Unavailable(f"The classifier does not answer: {error!r}", code="classifier.gone") from None
            except asyncio.CancelledError:
                # Its answer would be taken for that to the next question.
                await self.stop()
                raise

    async def _start(self) -> asyncio.subprocess.Process:
        code = f"import sys; sys.path.insert(0, {ROOT!r}); from channels.email.classifier_process import main; main()"
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        return self._process

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        await process.wait()


class Classifier:
    """`guess` is asked for each new mail that no rule names a queue for."""

    def __init__(self, hub: Hub, email: Email) -> None:
        self._hub = hub
        self._threshold = email.classifier_percent / 100
        self.learning = Learning("off", threshold=self._threshold)
        if email.classifier:
            self.learning = replace(self.learning, state="waiting")
            if not installed():
                self.learning = replace(self.learning, state="trouble", problem=MISSING)
        self._process = _Process()
        self._asked = asyncio.Event()
        self._ready = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """After the hub has started."""
        if self.learning.state == "trouble":
            log.error("classifier.missing", problem=MISSING)
        elif self.learning.state != "off":
            self._task = asyncio.create_task(self._run(), name="classifier")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._process.stop()

    async def learn(self) -> None:
        """Learns anew, in the background. Raises Refused `classifier.off` or `classifier.missing`."""
        self._refuse_off()
        self._asked.set()

    def _refuse_off(self) -> None:
        if self.learning.state == "off":
            raise Refused("The classifier is off (email.classifier in hub.toml).", code="classifier.off")
        if self._task is None:
            raise Refused(self.learning.problem or "The classifier does not run.", code="classifier.missing")

    async def guesses(self, subject: str, text: str) -> list[GuessedQueue]:
        """All queues that were learned, the likeliest first. Raises Refused, Unavailable."""
        self._refuse_off()
        if not self._ready:
            raise Refused("The classifier has not learned anything yet.", code="classifier.not_ready")
        try:
            return (await self._process.ask(Guess(sample_text(subject, text)), Guessed, GUESS_S)).queues
        except Unavailable:
            # What it knew is gone with the process.
            self._ready = False
            self._asked.set()
            raise

    async def guess(self, subject: str, text: str) -> Found | None:
        """The likeliest queue, if it is likely enough; None until something was learned. Raises Unavailable."""
        if not self._ready:
            return None
        best = next(iter(await self.guesses(subject, text)), None)
        if best is None or best.confidence < self._threshold:
            return None
        return Found(best.queue, best.confidence, best.words)

    async def _run(self) -> None:
        while True:
            self._asked.clear()
            wait = EVERY_S
            before = self.learning
            self.learning = replace(before, state="learning", problem="")
            try:
                await self._learn()
            except Exception as error:
                log.exception("classifier.failed")
                self.learning = replace(before, state="trouble", problem=str(error))
                wait = AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._asked.wait()

    async def _learn(self) -> None:
        """In another process, while the one that is there answers with what it knows."""
        samples = await self._samples()
        fresh = _Process()
        try:
            learned = await fresh.ask(Learn(samples), Learned, START_S + LEARN_S)
            if not learned.problem:
                self._process, fresh, self._ready = fresh, self._process, True
        finally:
            await fresh.stop()
        self.learning = Learning(
            "waiting" if learned.problem else "ready",
            learned.problem,
            learned.mails,
            None if learned.problem else self._hub.clock.now(),
            learned.accuracy,
            self._threshold,
            [replace(each, name=self._hub.directory.queue_name(each.queue)) for each in learned.queues],
        )
        log.info("classifier.learned", mails=learned.mails, accuracy=learned.accuracy, problem=learned.problem)

    async def _samples(self) -> list[Sample]:
        """What began contacts that agents answered, newest first, and the queue where they did; of queues that are
        there still."""
        store, queues = self._hub.store, self._hub.directory.queues()
        found: list[Sample] = []
        after: str | None = None
        while True:
            rows = await store.contacts.page(ContactFilter(channels=("email",)), after=after, limit=PAGE)
            for row in rows:
                if row.contact.queue not in queues or not answered(row.contact):
                    continue
                sample = await self._sample(row.contact)
                if sample is not None:
                    found.append(sample)
                if len(found) >= SAMPLES:
                    return found
            if len(rows) < PAGE:
                return found
            after = rows[-1].contact.id

    async def _sample(self, contact: Contact) -> Sample | None:
        store = self._hub.store
        mails = await store.mails.of_contact(contact.id)
        if not mails or mails[0].direction != "in" or contact.queue is None:
            return None
        message = await store.contacts.message(mails[0].message)
        text = (message.text[: mails[0].fold_at] or message.text) if message is not None else ""
        return Sample(contact.queue, sample_text(mails[0].subject, text))


def answered(contact: Contact) -> bool:
    """Whether an agent answered it: then its queue was the right one, or he would have passed it on."""
    return bool(contact.handled_by) and contact.last_agent_at is not None and not contact.abandoned


def sample_text(subject: str, text: str) -> str:
    """What is learned from and guessed by."""
    return f"{subject}\n{text}"[:TEXT_LIMIT]
