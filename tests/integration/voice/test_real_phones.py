"""An agent's own telephone that is no code of ours: baresip is rung, holds and hangs up, by each transport."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from channels.voice.sip.settings import Account
from tests.integration.sip.certificates import Authority
from tests.integration.voice.desk import a_telephone
from tests.integration.voice.own_phone import Office, an_office, at_desk, until_not

pytest.importorskip("baresip", reason="baresip-python has no wheel for this machine")

PROCESS = Path(__file__).parent / "baresip_phone.py"
CUSTOMER, AGENT = 400.0, 700.0


class Baresip:
    """The process, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, words: str) -> None:
        assert self._process.stdout is not None
        said: list[str] = []
        while line := (await self._process.stdout.readline()).decode().strip():
            said.append(line)
            if line == words:
                return
        raise AssertionError(f"it never said {words}: {said}")

    def do(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{words}\n".encode())


@asynccontextmanager
async def a_baresip(
    office: Office, account: Account, transport: str, authority: Path, media: str = ""
) -> AsyncIterator[Baresip]:
    port = office.tls_port if transport == "tls" else office.port
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROCESS), account.username, account.password, f"127.0.0.1:{port}", transport),
        *(str(authority), media),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    phone = Baresip(process)
    try:
        yield phone
    finally:
        phone.do("quit")
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize(("transport", "media"), [("udp", ""), ("tcp", ""), ("tls", "srtp-mand"), ("tls", "")])
async def test_baresip_is_an_agents_telephone(transport: str, media: str, tmp_path: Path) -> None:
    """By TLS its audio is encrypted, or plain if it cannot do otherwise."""
    authority = Authority(tmp_path)
    files = authority.issue("127.0.0.1")
    assert files.certificate is not None and files.key is not None
    async with (
        a_telephone(CUSTOMER) as customer,
        an_office(tmp_path, customer.line.port("udp"), (files.certificate, files.key)) as office,
    ):
        account = await asyncio.to_thread(office.account)
        await asyncio.to_thread(office.talks_on_phone)
        async with at_desk(office) as desk, a_baresip(office, account, transport, authority.path, media) as phone:
            await phone.until("registered")
            await desk.until("phone_line", lambda data: data["registered"])
            customer.dial(office.port)
            contact = (await desk.until("offer"))["contact"]["id"]
            await phone.until("ringing")
            phone.do("answer")
            await phone.until("established")
            await customer.answered()
            await desk.until("phone", lambda data: data["state"] == "active")
            await asyncio.gather(customer.phone.until_hears(AGENT), phone.until("hears 400"))
            phone.do("hold")
            await desk.until("phone", lambda data: data["state"] == "held")
            await until_not(customer.phone, AGENT)
            phone.do("resume")
            await desk.until("phone", lambda data: data["state"] == "active")
            await asyncio.gather(customer.phone.until_hears(AGENT), phone.until("hears 400"))
            phone.do("keys 5")
            while customer.phone.keys != "5":
                await asyncio.sleep(0.02)
            phone.do("hang_up")
            assert (await customer.ended()).cause == "bye"
            await desk.finish(contact)


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    async with a_telephone(CUSTOMER) as customer, an_office(tmp_path, customer.line.port("udp")) as office:
        account = await asyncio.to_thread(office.account)
        wrong = Account(account.username, "not-the-password", account.realms)
        async with a_baresip(office, wrong, "tcp", Authority(tmp_path).path) as phone:
            await phone.until("refused")
        assert office.serving.application.hub.phones.seen("us_ada") == []
