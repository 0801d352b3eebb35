"""Files of mails that come in are looked at by clamd before anybody can have them.

Each is asked about while its mail is received, for some seconds altogether. What got no verdict then (clamd was away,
or is set up only now) is asked about again by whoever wants to have it. Where something was found, the file and the
mail as it came stay where they are, and nobody gets them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing

import structlog
from msgspec.structs import replace

from channels.email.clamd import Clamd, Unscanned
from channels.email.keeping import UPLOADER
from channels.email.outcomes import CHANGED
from hub.config_email import Email, clamd_address
from hub.errors import Forbidden, Unavailable
from hub.files import FileStore
from hub.mails import StoredMail
from hub.model import Scan, Scanned, StoredFile
from hub.service import Hub
from mail.limits import CUT

log = structlog.get_logger(__name__)

RECEIPT_S = 20.0
"""So long a mail waits for all its files together."""
AWAY_S = 30.0
"""For so long after clamd was away no mail waits for it."""
MALWARE = "malware"
"""The problem of a mail in which there is some."""


class Scanner:
    """`clamd` None: nothing new is looked at. `required`: what has no verdict is nobody's."""

    def __init__(self, hub: Hub, files: FileStore, clamd: Clamd | None, *, required: bool = False) -> None:
        self._hub, self._files, self._clamd, self._required = hub, files, clamd, required
        self._away_until = 0.0

    async def of_mail(self, files: Iterable[StoredFile]) -> Mapping[str, Scanned]:
        """By their contents' hashes, what was found in them; empty without clamd. Takes RECEIPT_S at most."""
        if self._clamd is None:
            return {}
        tasks = {
            sha256: asyncio.create_task(self._verdict(sha256), name=f"scan {sha256}")
            for sha256 in dict.fromkeys(file.sha256 for file in files)
        }
        if not tasks:
            return {}
        try:
            await asyncio.wait(tasks.values(), timeout=RECEIPT_S)
        finally:
            for task in tasks.values():
                task.cancel()
            done = await asyncio.gather(*tasks.values(), return_exceptions=True)
        found: dict[str, Scanned] = {}
        for sha256, verdict in zip(tasks, done, strict=True):
            found[sha256] = verdict if isinstance(verdict, Scanned) else Scanned(Scan.UNSCANNED)
            if found[sha256].scan is Scan.INFECTED:
                log.warning("mail.malware", file=sha256, threat=found[sha256].threat)
        return found

    async def admit(self, file: StoredFile) -> None:
        """Raises Forbidden `file.infected` for what nobody gets, Unavailable `file.not_scanned` for what waits."""
        if file.uploader != UPLOADER or file.scan is Scan.CLEAN:
            return
        if file.scan is Scan.INFECTED:
            raise _infected(file.threat)
        if self._clamd is None:
            return
        verdict = await self._verdict(file.sha256)
        if verdict.scan is not Scan.UNSCANNED:
            await self._hub.store.files.set_scan(file.id, verdict)
            await self._note(file, verdict)
        self._judge(verdict)

    async def admit_original(self, mail: StoredMail) -> None:
        """As `admit`, for a mail as it came, which holds all its files."""
        if mail.direction != "in":
            return
        for ref in (*mail.attachments, *mail.inline.values()):
            file = await self._hub.store.files.get(ref.id)
            if file is not None:
                await self.admit(file)
        if self._clamd is not None and CUT.intersection(mail.problems):
            # Some of it is in no file of ours.
            self._judge(await self._verdict(mail.raw))

    def _judge(self, verdict: Scanned) -> None:
        if verdict.scan is Scan.INFECTED:
            raise _infected(verdict.threat)
        if verdict.scan is Scan.UNSCANNED and self._required:
            raise Unavailable(
                "This file could not be checked for malware yet. Please try again later.", code="file.not_scanned"
            )

    async def _verdict(self, sha256: str) -> Scanned:
        assert self._clamd is not None
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return Scanned(Scan.UNSCANNED)
        try:
            # Closed here, too, when clamd answers or breaks off before the end.
            async with aclosing(self._files.read(self._files.path(sha256))) as blocks:
                threat = await self._clamd.scan(blocks)
        except Unscanned as error:
            if error.away:
                self._away_until = loop.time() + AWAY_S
            log.warning("mail.not_scanned", file=sha256, reason=str(error))
            return Scanned(Scan.UNSCANNED)
        return Scanned(Scan.INFECTED, threat) if threat else Scanned(Scan.CLEAN)

    async def _note(self, file: StoredFile, verdict: Scanned) -> None:
        """In the mail that it came with; when that is being written by somebody else, the next who asks notes it."""
        for mail in await self._hub.store.mails.of_contact(file.contact):
            refs = (*mail.attachments, *mail.inline.values())
            if mail.direction == "in" and any(ref.id == file.id for ref in refs):
                if await self._hub.store.mails.update(with_scans(mail, {file.id: verdict})):
                    await self._hub.bus.publish(CHANGED, {"mail": mail.id, "contact": mail.contact})
                return


def configured(hub: Hub, files: FileStore, email: Email) -> Scanner:
    """As hub.toml has it."""
    clamd = Clamd(clamd_address(email.clamd)) if email.clamd else None
    return Scanner(hub, files, clamd, required=email.clamd_required)


def with_scans(mail: StoredMail, found: Mapping[str, Scanned]) -> StoredMail:
    """The mail with what was found in its files, by their ids."""
    scans = {**mail.scans, **found}
    infected = any(each.scan is Scan.INFECTED for each in scans.values())
    problems = (*mail.problems, MALWARE) if infected and MALWARE not in mail.problems else mail.problems
    return replace(mail, scans=scans, problems=problems)


def _infected(threat: str) -> Forbidden:
    return Forbidden(f"Malware was found in this file ({threat}), so nobody can have it.", code="file.infected")
