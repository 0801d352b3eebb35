"""Malware in mails: what is found is kept and nobody's, and a scanner that is away keeps no mail from coming."""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from channels.email import scanning
from channels.email.clamd import Clamd
from channels.email.scanning import Scanner
from hub.config_email import ClamdAddress
from hub.errors import Forbidden, Unavailable
from hub.mails import MailState, StoredMail
from hub.model import Scan, Scanned, StoredFile
from tests.clamd import EICAR, clam
from tests.integration.mail.office import ADDRESS, office
from tests.integration.mail.office import hasty as hasty
from tests.integration.mail.receiving import Post, post
from tests.integration.mail.servers import Box, taking
from tests.peers import require


@asynccontextmanager
async def scanned(folder: Path, where: ClamdAddress, *, required: bool = False) -> AsyncIterator[tuple[Post, Scanner]]:
    async with post(folder) as here:
        await here.mailbox()
        scanner = Scanner(here.hub, here.files, Clamd(where), required=required)
        here.receiver.scanner = scanner
        yield here, scanner


def letter(here: Post, *files: bytes) -> EmailMessage:
    mail = here.letter()
    for number, data in enumerate(files):
        mail.add_attachment(data, "application", "octet-stream", filename=f"file{number}.bin")
    return mail


async def delivered(here: Post, mail: EmailMessage) -> tuple[StoredMail, list[StoredFile]]:
    received = await here.deliver(mail)
    stored = await here.hub.store.mails.get(received.mail)
    assert stored is not None
    found = [await here.hub.store.files.get(ref.id) for ref in stored.attachments]
    return stored, [file for file in found if file is not None]


async def test_what_is_infected_is_kept_and_nobodys(tmp_path: Path) -> None:
    async with clam() as (_, where), scanned(tmp_path, where) as (here, scanner):
        mail, (good, bad) = await delivered(here, letter(here, b"an invoice", b"MZ" + EICAR))
        assert (good.scan, bad.scan, bad.threat) == (Scan.CLEAN, Scan.INFECTED, "Eicar-Test-Signature")
        assert mail.scans == {good.id: Scanned(Scan.CLEAN), bad.id: Scanned(Scan.INFECTED, "Eicar-Test-Signature")}
        assert "malware" in mail.problems
        assert await here.files.has(bad.sha256)
        await scanner.admit(good)
        with pytest.raises(Forbidden, match="Eicar-Test-Signature"):
            await scanner.admit(bad)
        with pytest.raises(Forbidden):
            await scanner.admit_original(mail)
        # Also when nobody looks any more.
        with pytest.raises(Forbidden):
            await Scanner(here.hub, here.files, None).admit(bad)


async def test_a_scanner_that_is_away_keeps_no_mail_from_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "AWAY_S", 0.0)
    async with clam(tmp_path / "clamd.ctl") as (server, where), scanned(tmp_path, where, required=True) as (here, it):
        server.away = True
        mail, (good, bad) = await delivered(here, letter(here, b"an invoice", EICAR))
        assert {said.scan for said in mail.scans.values()} == {Scan.UNSCANNED}
        lenient = Scanner(here.hub, here.files, Clamd(where))
        for file in (good, bad):
            with pytest.raises(Unavailable) as caught:
                await it.admit(file)
            assert caught.value.code == "file.not_scanned"
            await lenient.admit(file)
        server.away = False
        await it.admit(good)
        with pytest.raises(Forbidden):
            await it.admit(bad)
        # What was said then is known, to everybody.
        known = await here.hub.store.mails.get(mail.id)
        assert known is not None and "malware" in known.problems
        assert {known.scans[good.id].scan, known.scans[bad.id].scan} == {Scan.CLEAN, Scan.INFECTED}
        stored = await here.hub.store.files.get(bad.id)
        assert stored is not None and stored.scan is Scan.INFECTED
        asked = len(server.streams)
        stored = await here.hub.store.files.get(good.id)
        assert stored is not None
        await it.admit(stored)
        assert len(server.streams) == asked


async def test_a_scanner_that_falls_silent_holds_a_mail_up_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "RECEIPT_S", 0.3)
    async with clam() as (server, where), scanned(tmp_path, where) as (here, _):
        server.held.clear()
        mail, (file,) = await delivered(here, letter(here, b"an invoice"))
        assert mail.scans == {file.id: Scanned(Scan.UNSCANNED)}
        assert file.scan is Scan.UNSCANNED


async def test_files_are_asked_about_once_each(tmp_path: Path) -> None:
    async with clam() as (server, where), scanned(tmp_path, where) as (here, _):
        mail, files = await delivered(here, letter(here, b"a logo", b"a logo", b"another", b""))
        assert sorted(server.streams) == sorted({len(data) for data in (b"a logo", b"another", b"")})
        assert {mail.scans[file.id].scan for file in files} == {Scan.CLEAN}


async def test_a_mail_of_which_only_the_head_was_read_is_looked_at_as_it_came(tmp_path: Path) -> None:
    async with clam() as (server, where), scanned(tmp_path, where, required=True) as (here, it):
        mail, _ = await delivered(here, letter(here, EICAR))
        clean = replace(mail, attachments=(), problems=("too_big",))
        raw = b"".join([block async for block in here.files.read(here.files.path(mail.raw))])
        assert EICAR not in raw  # it is in base64 there: a real clamd reads mails, this one reads bytes
        await it.admit_original(clean)
        assert server.streams[-1] == len(raw)


async def test_what_agents_are_given_of_it(tmp_path: Path, hasty: None) -> None:
    socket = tmp_path / "clamd.ctl"
    email = {"listen": ["smtp:127.0.0.1:0"], "clamd": str(socket), "clamd_required": True}
    async with clam(socket) as (server, _), taking(Box()) as box, office(tmp_path, **email) as here:
        await here.mailbox(box.port, inbound={"kind": "direct"})
        channel = here.serving.application.mail_in
        assert channel is not None
        ((host, port),) = channel.smtp.addresses
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "eva@berg.example", ADDRESS, "An invoice"
        mail.set_content("See there.")
        mail.add_attachment(b"an invoice", "application", "octet-stream", filename="good.bin")
        mail.add_attachment(EICAR, "application", "octet-stream", filename="bad.bin")

        def give() -> None:
            with smtplib.SMTP(host, port, timeout=20) as line:
                line.send_message(mail)

        async def ask(path: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {here.tokens['lead']}"}
            async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False) as client:
                return await client.get(path, headers=headers)

        await asyncio.to_thread(give)
        (contact,) = (await here.rest("GET", "/contacts", "lead")).json()["items"]
        (told,) = (await here.rest("GET", f"/contacts/{contact['id']}/mails", "lead")).json()["items"]
        good, bad = (file["id"] for file in told["attachments"])
        assert told["scans"] == {
            good: {"scan": "clean", "threat": ""},
            bad: {"scan": "infected", "threat": "Eicar-Test-Signature"},
        }
        assert (await ask(f"/files/{good}")).content == b"an invoice"
        for path in (f"/files/{bad}", f"/mails/{told['id']}/raw"):
            answer = await ask(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "file.infected"), path
        forward = {"to": [{"address": "b@x.example"}], "text": "See there.", "forwards": told["id"]}
        stopped = await here.rest("POST", f"/contacts/{contact['id']}/mails", "lead", attachments=[bad], **forward)
        assert (stopped.status_code, stopped.json()["error"]["code"]) == (403, "file.infected")
        sent = await here.written("lead", contact["id"], attachments=[good], **forward)
        await here.becomes(sent["id"], MailState.SENT)
        # What came while the scanner was away waits for it.
        server.away = True
        del mail["Subject"]
        mail["Subject"] = "Another invoice"
        await asyncio.to_thread(give)
        found = (await here.rest("GET", "/contacts", "lead")).json()["items"]
        (other,) = [each["id"] for each in found if each["id"] != contact["id"]]
        (told,) = (await here.rest("GET", f"/contacts/{other}/mails", "lead")).json()["items"]
        assert {said["scan"] for said in told["scans"].values()} == {"unscanned"}
        answer = await ask(f"/files/{told['attachments'][0]['id']}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "file.not_scanned")


@contextmanager
def daemon(folder: Path) -> Iterator[ClamdAddress]:
    """The real one, with a signature of our own for the test file: it needs no database from elsewhere."""
    program = require("clamd")
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
    socket, config = folder / "clamd.ctl", folder / "clamd.conf"
    config.write_text(
        f"LocalSocket {socket}\nDatabaseDirectory {signatures}\nForeground yes\nLogFile {folder}/clamd.log\n"
        f"TemporaryDirectory {folder}\nStreamMaxLength 1M\nMaxThreads 2\n"
    )
    process = subprocess.Popen([program, "--config-file", str(config)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert process.poll() is None, (folder / "clamd.log").read_text()
            time.sleep(0.05)
        yield ClamdAddress(path=str(socket))
    finally:
        process.terminate()
        process.wait()


async def test_with_the_real_clamd(tmp_path: Path) -> None:
    running = daemon(tmp_path)
    where = await asyncio.to_thread(running.__enter__)
    try:
        async with scanned(tmp_path, where) as (here, scanner):
            mail, (good, bad, large) = await delivered(here, letter(here, b"an invoice", EICAR, bytes(2_000_000)))
            assert good.scan is Scan.CLEAN
            assert (bad.scan, bad.threat.partition(".UNOFFICIAL")[0]) == (Scan.INFECTED, "Test.Eicar")
            assert large.scan is Scan.UNSCANNED  # beyond StreamMaxLength, and clamd closed early
            with pytest.raises(Forbidden):
                await scanner.admit_original(mail)
            # A mail as it came, in which it stands in base64.
            mail, _ = await delivered(here, letter(here, EICAR))
            with pytest.raises(Forbidden):
                await scanner.admit_original(replace(mail, attachments=(), problems=("too_big",)))
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
