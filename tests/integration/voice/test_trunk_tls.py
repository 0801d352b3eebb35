"""Trunks by TLS: the certificate has to be for the trunk and signed by whom we trust, and what is wrong is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from channels.voice.check import check_trunks
from channels.voice.settings import TrunkSettings, VoiceSettings
from channels.voice.sip.events import Answered, Ended, Invited, Rejected
from channels.voice.sip.transport import Listen
from channels.voice.sip.transport_tls import TlsFiles
from channels.voice.trunks import Trunks
from hub.cli.finding import Finding
from hub.config import parse
from hub.service import TrunkHealth
from tests.integration.sip.certificates import Authority
from tests.integration.sip.line import Line, a_line, free_port, sdp

HUNG_UP = "it hung up without a word; it may want another certificate of ours"
UNKNOWN = "unable to get local issuer certificate"


@asynccontextmanager
async def at(line: Line, files: TlsFiles, own: TlsFiles, host: str = "localhost") -> AsyncIterator[Trunks]:
    """The hub's trunks: one, to the line. `files` are what its row names, `own` the hub's certificate."""
    trunk = TrunkSettings("acme", "Acme", host=host, port=line.port("tls"), transport="tls", tls=files)
    settings = VoiceSettings(
        listen=(Listen("tls", "127.0.0.1", free_port()),),
        trunks=(trunk,),
        tls_certificate=str(own.certificate),
        tls_key=str(own.key),
    )
    trunks = Trunks(settings)
    await trunks.start()
    try:
        yield trunks
    finally:
        await trunks.stop()


async def health(trunks: Trunks) -> TrunkHealth:
    """When something is known."""
    while (found := trunks.told(lambda trunk: 0)[0]).tls is None or found.reachable is None:
        await asyncio.sleep(0.02)
    return found


async def check(port: int, folder: Path, **said: object) -> Finding:
    """What `contacthub check` says of it."""
    row = {"id": "acme", "host": "localhost", "port": port, "transport": "tls", **said}
    voice = {"enabled": True, "listen": ["tls:127.0.0.1:5061"], "secrets": str(folder), "trunks": [row]}
    own = {"tls_certificate": str(folder / "hub.pem"), "tls_key": str(folder / "hub.key")}
    (finding,) = await asyncio.to_thread(check_trunks, parse({"voice": {**voice, **own}}).voice, {})
    return finding


async def test_a_right_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("hub")
    async with a_line(("tls",), tls=authority.issue("localhost")) as line:
        line.on_event = line.answering
        async with at(line, TlsFiles(ca=authority.path), own) as trunks:
            found = await health(trunks)
            assert (found.tls, found.reachable, found.problem) == ("verified", True, "")
            assert found.server == f"127.0.0.1:{line.port('tls')}"
            await trunks.dial("acme", "+49301234567", "+4930900", sdp())
            assert (await line.until(Invited)).source.transport == "tls"
        finding = await check(line.port("tls"), tmp_path, ca=f"file:{authority.path.name}")
        assert (finding.ok, finding.advice) == (True, False)
        assert finding.text.endswith("by tls answers OPTIONS with 200")


@pytest.mark.parametrize("wrong", ["name", "authority", "file"])
async def test_a_wrong_certificate_is_seen_and_no_call_is_made(wrong: str, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    own = ours.issue("hub")
    shown = (theirs if wrong == "authority" else ours).issue("elsewhere.example" if wrong == "name" else "localhost")
    ca = tmp_path / "missing.pem" if wrong == "file" else ours.path
    said = {
        "name": "the certificate is for elsewhere.example, not for localhost",
        "authority": "the certificate is not trusted: ",
        "file": "the file missing.pem cannot be read",
    }[wrong]
    async with a_line(("tls",), tls=shown) as line:
        async with at(line, TlsFiles(ca=ca), own) as trunks:
            found = await health(trunks)
            assert (found.tls, found.reachable) == ("refused", False)
            assert found.problem.startswith(said)
            refused: asyncio.Future[Rejected] = asyncio.get_running_loop().create_future()
            trunks.listen(lambda event: refused.set_result(event) if isinstance(event, Rejected) else None)
            await trunks.dial("acme", "+49301234567", "+4930900", sdp())
            assert (await refused).status == 503
        assert not line.events
        finding = await check(line.port("tls"), tmp_path, ca=f"file:{ca.name}")
        assert not finding.ok and not finding.advice
        assert said in finding.text


async def test_checking_that_is_off_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("hub")
    async with a_line(("tls",), tls=Authority(tmp_path, "nobody").issue("elsewhere.example")) as line:
        async with at(line, TlsFiles(verify=False), own) as trunks:
            found = await health(trunks)
            assert (found.tls, found.reachable, found.problem) == ("unverified", True, "")
            # Switched on again, it is no longer believed.
            (trunk,) = trunks.settings.trunks
            strict = msgspec.structs.replace(trunk, tls=TlsFiles(ca=authority.path))
            trunks.configure(msgspec.structs.replace(trunks.settings, trunks=(strict,)))
            found = await health(trunks)
            assert (found.tls, found.problem) == ("refused", "the certificate is not trusted: " + UNKNOWN)
        finding = await check(line.port("tls"), tmp_path, verify=False)
        assert finding.ok
        assert finding.text.endswith("nobody checks its certificate")


async def test_a_company_that_asks_for_a_certificate_sees_that_of_the_trunk(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, ours = authority.issue("hub"), authority.issue("customer-4711")
    async with a_line(("tls",), tls=authority.issue("localhost")) as line:
        seen: list[str] = []
        server = line.transport._tls.server
        assert server is not None
        server.load_verify_locations(authority.path)
        server.verify_mode = server.verify_mode.__class__.CERT_REQUIRED

        def note() -> None:
            for connection in line.transport._connections.values():
                if connection._transport is not None and (one := connection._transport.get_extra_info("peercert")):
                    seen.append(json.dumps(one["subject"]))

        files = TlsFiles(ours.certificate, ours.key, authority.path)
        async with at(line, files, own) as trunks:
            assert (await health(trunks)).tls == "verified"
            note()
        assert seen and "customer-4711" in seen[0]


async def test_a_company_that_does_not_want_our_certificate(tmp_path: Path) -> None:
    """It hangs up; the call fails at once, not after half a minute, and the trunk's health says why it may be so."""
    authority, theirs = Authority(tmp_path), Authority(tmp_path, "theirs")
    own = authority.issue("hub")
    async with a_line(("tls",), tls=authority.issue("localhost")) as line:
        server = line.transport._tls.server
        assert server is not None
        server.load_verify_locations(theirs.path)
        server.verify_mode = server.verify_mode.__class__.CERT_REQUIRED
        async with at(line, TlsFiles(ca=authority.path), own) as trunks:
            while (found := await health(trunks)).tls != "refused":
                await asyncio.sleep(0.02)
            assert (found.reachable, found.problem) == (False, HUNG_UP)
            refused: asyncio.Future[Rejected] = asyncio.get_running_loop().create_future()
            trunks.listen(lambda event: refused.set_result(event) if isinstance(event, Rejected) else None)
            await trunks.dial("acme", "+49301234567", "+4930900", sdp())
            assert (await refused).status == 503
        assert not line.events


async def test_audio_of_a_trunk_by_tls_alone_is_encrypted(tmp_path: Path) -> None:
    """Its keys stand in the signalling, so they must never leave by UDP or TCP."""
    authority = Authority(tmp_path)
    own = authority.issue("hub")
    async with (
        a_line(("tls",), tls=authority.issue("localhost")) as line,
        at(line, TlsFiles(ca=authority.path), own) as trunks,
    ):
        assert trunks.rtp_options("acme").secure
        (trunk,) = trunks.settings.trunks
        for transport in ("udp", "tcp", "auto"):
            plain = msgspec.structs.replace(trunk, transport=transport)
            trunks.configure(msgspec.structs.replace(trunks.settings, trunks=(plain,)))
            assert not trunks.rtp_options("acme").secure


async def test_a_call_goes_on_when_its_trunk_is_changed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("hub")
    async with a_line(("tls",), tls=authority.issue("localhost")) as line:
        line.on_event = line.answering
        async with at(line, TlsFiles(ca=authority.path), own) as trunks:
            answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            trunks.listen(lambda event: answered.set_result(event.call) if isinstance(event, Answered) else None)
            await trunks.dial("acme", "+49301234567", "+4930900", sdp())
            call = await answered
            (trunk,) = trunks.settings.trunks
            other = msgspec.structs.replace(trunk, tls=TlsFiles(ca=tmp_path / "missing.pem"))
            trunks.configure(msgspec.structs.replace(trunks.settings, trunks=(other,)))
            trunks.hang_up(call, "bye")
            assert (await line.until(Ended)).cause == "bye"
