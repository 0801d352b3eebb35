"""Mail given to servers of all manners: what is the mail's fault, what the account's, and what nobody knows."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from channels.email import smtp_out
from channels.email.smtp_out import Down, Lost, Security, Server, Smtp, Verdict
from tests.integration.mail.servers import Box, playing, polite, taking
from tests.integration.sip.certificates import Authority

RAW = b"From: a@example.org\r\nSubject: x\r\n\r\nOne.\r\n.\r\nTwo.\r\n"
ME = "a@example.org"


def plain(port: int, **more: object) -> Server:
    return Server("127.0.0.1", port, "none", **more)  # type: ignore[arg-type]


async def send(server: Server, *recipients: str, utf8: bool = False) -> Verdict:
    smtp = Smtp(server)
    try:
        return await smtp.send(ME, recipients or ("b@example.org",), RAW, utf8=utf8)
    finally:
        await smtp.close()


async def test_it_is_taken_as_it_is() -> None:
    async with taking(Box()) as box:
        verdict = await send(plain(box.port), "b@example.org", "c@example.org")
    assert verdict == Verdict(("b@example.org", "c@example.org"))
    (mail,) = box.mails
    assert (mail.sender, mail.recipients, mail.raw) == (ME, ["b@example.org", "c@example.org"], RAW)
    assert f"SIZE={len(RAW)}" in mail.options


async def test_one_connection_serves_many_and_a_dead_one_is_replaced() -> None:
    async with taking(Box()) as box:
        smtp = Smtp(plain(box.port))
        for _ in range(5):
            await smtp.send(ME, ["b@example.org"], RAW)
        assert (len(box.mails), box.sessions) == (5, 1)
        await smtp.close()
        await smtp.send(ME, ["b@example.org"], RAW)
        assert (len(box.mails), box.sessions) == (6, 2)
        await smtp.close()


async def test_a_server_that_left_in_silence_costs_no_mail() -> None:
    taken = 0

    async def scene(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await polite(reader, writer, until=b"DATA")
        writer.write(b"354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        taken += 1
        writer.write(b"250 taken\r\n")
        # At the next command the line is dead.
        await reader.readuntil(b"\n")
        writer.transport.abort()

    async with playing(scene) as port:
        smtp = Smtp(plain(port))
        for _ in range(3):
            assert await smtp.send(ME, ["b@example.org"], RAW) == Verdict(("b@example.org",))
        await smtp.close()
    assert taken == 3


async def test_several_go_at_once_over_connections_of_their_own() -> None:
    async with taking(Box()) as box:
        smtp = Smtp(plain(box.port), connections=3)
        await asyncio.gather(*(smtp.send(ME, [f"b{n}@example.org"], RAW) for n in range(9)))
        await smtp.close()
    assert len(box.mails) == 9
    assert 1 <= box.sessions <= 3


async def test_each_recipient_has_his_own_answer() -> None:
    answers = {"grey@x.org": "451 4.7.1 come again", "gone@x.org": "550 5.1.1 nobody here"}
    async with taking(Box(rcpt=lambda address: answers.get(address, "250 OK"))) as box:
        verdict = await send(plain(box.port), "b@x.org", "grey@x.org", "gone@x.org")
    assert verdict.taken == ("b@x.org",)
    assert {to: reply.code for to, reply in verdict.later.items()} == {"grey@x.org": 451}
    assert {to: (reply.code, reply.text) for to, reply in verdict.refused.items()} == {
        "gone@x.org": (550, "5.1.1 nobody here")
    }
    assert box.mails[0].recipients == ["b@x.org"]


@pytest.mark.parametrize(("answer", "refused"), [("452 4.3.1 full", False), ("554 5.7.1 spam", True)])
async def test_the_whole_mail_may_be_refused(answer: str, refused: bool) -> None:
    async with taking(Box(data=lambda mail: answer)) as box:
        verdict = await send(plain(box.port))
    assert not verdict.taken
    assert bool(verdict.refused) is refused
    assert bool(verdict.later) is not refused


async def test_a_connection_lost_within_the_mail_leaves_it_open_whether_it_was_taken() -> None:
    async def scene(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await polite(reader, writer, until=b"DATA")
        writer.write(b"354 go on\r\n")
        await reader.readuntil(b"Subject")
        writer.transport.abort()

    async with playing(scene) as port:
        with pytest.raises(Lost):
            await send(plain(port))


async def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_out, "DATA_S", 0.2)

    async def silent_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await polite(reader, writer, until=b"DATA")
        writer.write(b"354 go on\r\n")
        await reader.read()

    async with playing(silent_at_the_end) as port:
        with pytest.raises(Lost):
            await send(plain(port))
    monkeypatch.setattr(smtp_out, "CONNECT_S", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with playing(silent) as port:
        with pytest.raises(Down, match="does not answer"):
            await send(plain(port))


async def test_what_is_the_accounts_fault(unused_tcp_port: int) -> None:
    with pytest.raises(Down, match=f"127.0.0.1 port {unused_tcp_port}"):
        await send(plain(unused_tcp_port))

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 4.3.2 too busy\r\n")
        await reader.read()

    async with playing(busy) as port:
        with pytest.raises(Down, match="too busy") as down:
            await send(plain(port))
    assert down.value.code == 421


async def test_passwords() -> None:
    async with taking(Box(), password="right") as box:
        assert (await send(plain(box.port, username="me", password="right"))).taken
        with pytest.raises(Down, match="refused the sign-in") as down:
            await send(plain(box.port, username="me", password="wrong"))
        assert down.value.code == 535
        with pytest.raises(Down, match="wants a sign-in"):
            await send(plain(box.port))


async def test_oauth_tokens() -> None:
    shown: list[bytes] = []

    async def scene(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readuntil(b"\n")
        writer.write(b"250-here\r\n250 AUTH XOAUTH2\r\n")
        line = await reader.readuntil(b"\n")
        shown.append(line)
        if b"dXNlcj1tZQFhdXRoPUJlYXJlciBmcmVzaAEB" not in line:  # user=me, Bearer fresh
            writer.write(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n")
            await reader.readuntil(b"\n")
            writer.write(b"535 5.7.3 expired\r\n")
            await reader.read()
            return
        writer.write(b"235 welcome\r\n")
        while not (line := await reader.readuntil(b"\n")).startswith(b"DATA"):
            writer.write(b"250 fine\r\n")
        writer.write(b"354 go on\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await reader.read()

    async def fresh() -> str:
        return "fresh"

    async def stale() -> str:
        return "stale"

    async with playing(scene) as port:
        assert (await send(plain(port, username="me", token=fresh))).taken
        with pytest.raises(Down, match="expired"):
            await send(plain(port, username="me", token=stale))


async def test_certificates_are_checked(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("localhost")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert files.certificate is not None
    serving.load_cert_chain(files.certificate, files.key)
    trusting = ssl.create_default_context(cafile=str(authority.path))
    ways: tuple[Security, ...] = ("tls", "starttls")
    for security in ways:
        how = {"tls": serving} if security == "tls" else {"starttls": serving}
        async with taking(Box(), **how) as box:  # type: ignore[arg-type]
            assert (await send(Server("localhost", box.port, security, tls=trusting))).taken
            with pytest.raises(Down, match="certificate is not valid"):
                await send(Server("localhost", box.port, security))
            with pytest.raises(Down, match="certificate is not valid"):
                await send(Server("127.0.0.1", box.port, security, tls=trusting))
        assert len(box.mails) == 1


async def test_nothing_is_sent_in_the_clear_when_it_should_be_sealed() -> None:
    async with taking(Box()) as box:
        with pytest.raises(Down, match="STARTTLS"):
            await send(Server("127.0.0.1", box.port, "starttls", username="me", password="secret"))
        assert not box.mails


async def test_addresses_beyond_ascii_need_a_server_that_knows_them() -> None:
    async with taking(Box(), utf8=True) as box:
        assert (await send(plain(box.port), "用户@example.org", utf8=True)).taken
        assert box.mails[0].recipients == ["用户@example.org"]
        assert "SMTPUTF8" in box.mails[0].options
    async with taking(Box()) as box:
        verdict = await send(plain(box.port), "用户@example.org", utf8=True)
    assert list(verdict.refused) == ["用户@example.org"]


async def test_an_administrator_may_try_it() -> None:
    async with taking(Box(), password="right") as box:
        await Smtp(plain(box.port, username="me", password="right")).check()
        with pytest.raises(Down):
            await Smtp(plain(box.port, username="me", password="wrong")).check()
