"""Mail given by SMTP and LMTP, with smtplib as the other server, and with bytes where it is too well-behaved."""

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from email.policy import SMTP
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from channels.email.receive import Envelope, Received
from channels.email.smtp_in import AT_ONCE, Settings, SmtpServer
from hub.config_email import Listener
from hub.errors import Unavailable
from hub.ports import ContactFilter
from tests.integration.mail.receiving import ADDRESS, Post, post
from tests.integration.sip.certificates import Authority

T = TypeVar("T")
SENDER = "eva@berg.example"
CLIENTS = ThreadPoolExecutor(40)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Post]:
    async with post(tmp_path) as found:
        yield found


class Door:
    """The server of a test, and clients of it in threads."""

    def __init__(self, hub: Post, receive: Callable[..., Awaitable[Received]] | None = None, **settings: Any) -> None:
        self.server = SmtpServer(hub.hub, receive or hub.receiver.receive, Settings(**settings))

    async def open(self, protocol: str = "smtp") -> int:
        await self.server.start([Listener(protocol, "127.0.0.1", 0)])
        return self.server.addresses[-1][1]


@contextlib.asynccontextmanager
async def door(hub: Post, protocol: str = "smtp", **settings: Any) -> AsyncIterator[int]:
    made = Door(hub, **settings)
    port = await made.open(protocol)
    try:
        yield port
    finally:
        await made.server.stop()


async def by_client(port: int, work: Callable[[smtplib.SMTP], T], kind: type[smtplib.SMTP] = smtplib.SMTP) -> T:
    def run() -> T:
        with kind("127.0.0.1", port, timeout=20) as client:
            return work(client)

    # Not the threads that the server itself uses.
    return await asyncio.get_running_loop().run_in_executor(CLIENTS, run)


async def raw_talk(port: int, *parts: bytes) -> list[bytes]:
    """Sends each part, and reads what is answered to it until the server is silent or gone."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = [await reader.readline()]
    for part in parts:
        writer.write(part)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        answers.append(await _answer(reader))
    writer.close()
    return answers


async def _answer(reader: asyncio.StreamReader) -> bytes:
    lines = b""
    while line := await reader.readline():
        lines += line
        if line[3:4] != b"-":
            break
    return lines


async def test_mail_is_taken_once_it_is_committed(hub: Post) -> None:
    async with door(hub) as port:
        letter = hub.letter()
        assert await by_client(port, lambda client: client.send_message(letter)) == {}
        (row,) = await hub.hub.store.contacts.page(ContactFilter())
        assert row.contact.subject == "My parcel"
        # Given again after a lost answer, it is the same one.
        await by_client(port, lambda client: client.send_message(letter))
        assert len(await hub.hub.store.contacts.page(ContactFilter())) == 1


async def test_only_our_mailboxes_and_never_elsewhere(hub: Post) -> None:
    await hub.mailbox("sales", aliases=["shop@hub.test", "a+b@hub.test"])
    await hub.mailbox("gone", enabled=False)

    def ask(client: smtplib.SMTP) -> dict[str, int]:
        client.ehlo()
        client.mail(SENDER)
        asked = (
            *("support@hub.test", "SALES@HUB.test", "shop@hub.test", "sales+token@hub.test", "a+b@hub.test"),
            *("gone@hub.test", "nobody@hub.test", "support@elsewhere.test", "x%elsewhere.test@hub.test"),
        )
        return {address: client.rcpt(address)[0] for address in asked}

    async with door(hub) as port:
        found = await by_client(port, ask)
    assert [address for address, code in found.items() if code == 250] == list(found)[:5]
    assert set(list(found.values())[5:]) == {550}


async def test_a_store_that_fails_is_said_with_a_4xx(hub: Post) -> None:
    async def fail(raw: bytes, mailbox: str, envelope: Envelope) -> Received:
        raise Unavailable("The database is locked.", code="store.busy")

    async def break_(raw: bytes, mailbox: str, envelope: Envelope) -> Received:
        raise RuntimeError("something that nobody thought of")

    for receive in (fail, break_):
        async with door(hub, receive=receive) as port:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                await by_client(port, lambda client: client.send_message(hub.letter()))
            assert refused.value.smtp_code == 451


async def test_sizes(hub: Post) -> None:
    big = hub.letter("x" * 60_000)
    async with door(hub, max_size=50_000) as port:
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            await by_client(port, lambda client: client.send_message(big))
        assert refused.value.smtp_code == 552
        # Without a size told beforehand, and with the connection going on.
        told = await raw_talk(
            port,
            b"EHLO x\r\n",
            f"MAIL FROM:<{SENDER}>\r\n".encode(),
            f"RCPT TO:<{ADDRESS}>\r\n".encode(),
            b"DATA\r\n",
            b"Subject: x\r\n\r\n" + b"line of text\r\n" * 9000 + b".\r\n",
            b"NOOP\r\n",
        )
    assert [answer[:3] for answer in told] == [b"220", b"250", b"250", b"250", b"354", b"552", b"250"]
    assert await hub.hub.store.contacts.page(ContactFilter()) == []


ENDS = [
    *(b"\n.\n", b"\n.\r\n", b"\n.\r", b"\r.\r", b"\r.\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n.\r\r\n"),
    *(b"\r\r\n.\r\r\n", b"\n\r.\n\r", b"\n\n.\r\n", b"\0\n.\r\n", b"\r\n\0.\n", b"\r\n.\0\n"),
]
COMMANDS = [
    *(b"NOOP\n", b"NOOP\rx", b"NOOP\r\rNOOP\r\n", b"\n", b"RSET\nMAIL FROM:<boss@berg.example>\r\n"),
    *(b"MAIL FROM:<a@b.example>\nRCPT TO:<support@hub.test>\nDATA\n", b"DATA\n", b"QUIT\n"),
    *(b"RCPT TO:<support@hub.test>\rDATA\r\n", b"\rNOOP\r\n", b"NOOP \n" + b"x" * 3_000_000),
]


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
async def test_nothing_is_smuggled(hub: Post, protocol: str) -> None:
    """What some servers take for the end of a mail is none here: whoever says it is refused at once and hears no more,
    so that nothing behind it is a command either."""
    smuggled = b"MAIL FROM:<boss@berg.example>\r\nRCPT TO:<support@hub.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
    async with door(hub, protocol) as port:
        for end in ENDS:
            for rest in (b"x", smuggled + b"\r\n.\r\nNOOP\r\n"):  # who waits for an answer, and who does not
                told = await raw_talk(
                    port,
                    b"EHLO x\r\n" if protocol == "smtp" else b"LHLO x\r\n",
                    f"MAIL FROM:<{SENDER}>\r\n".encode(),
                    f"RCPT TO:<{ADDRESS}>\r\n".encode(),
                    b"DATA\r\n",
                    b"Subject: one\r\n\r\nHello" + end + rest,
                    b"NOOP\r\n",
                )
                assert [answer[:3] for answer in told[-3:]] == [b"354", b"521", b""], (end, rest)
        # Who ends lines as he should is served as ever.
        told = await raw_talk(port, b"NOOP\r\n", b"QUIT\r\n")
        assert [answer[:3] for answer in told] == [b"220", b"250", b"221"]
    assert await hub.hub.store.contacts.page(ContactFilter()) == []


async def test_commands_end_with_crlf_and_nothing_else(hub: Post) -> None:
    async with door(hub) as port:
        for command in COMMANDS:
            told = await raw_talk(port, b"EHLO x\r\n", f"MAIL FROM:<{SENDER}>\r\n".encode(), command, b"NOOP\r\n")
            assert [answer[:3] for answer in told] == [b"220", b"250", b"250", b"521", b""], command[:80]


async def test_a_mail_in_single_bytes_is_no_smuggling(hub: Post) -> None:
    async with door(hub) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        told = b""
        for part in (
            *(b"HELO x\r\n", f"MAIL FROM:<{SENDER}>\r\n".encode(), f"RCPT TO:<{ADDRESS}>\r\n".encode()),
            *(b"DATA\r\n", b"Subject: slow\r\n\r\nHello\r\n..\r\n.\r\nNOOP\r\n"),
        ):
            for byte in part:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)
            told = await _answer(reader)
        assert told.startswith(b"250 2.0.0 kept") and (await _answer(reader)).startswith(b"250")
        writer.close()
    (row,) = await hub.hub.store.contacts.page(ContactFilter())
    (message,) = await hub.messages(row.contact.id)
    assert message.text.strip() == "Hello\n."


async def test_what_is_said_before_tls_is_no_command_after_it(hub: Post, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("127.0.0.1")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert own.certificate is not None
    server.load_cert_chain(own.certificate, own.key)
    async with door(hub, tls=server) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"EHLO x\r\n")
        await _answer(reader)
        writer.write(b"STARTTLS\r\nMAIL FROM:<boss@berg.example>\r\n")
        await _answer(reader)
        await writer.start_tls(ssl.create_default_context(cafile=str(authority.path)), server_hostname="127.0.0.1")
        writer.write(b"NOOP\r\nEHLO x\r\nRCPT TO:<support@hub.test>\r\n")
        told = [await _answer(reader) for _ in range(3)]
        writer.write(b"NOOP\n")
        told.append(await _answer(reader))
        assert [answer[:3] for answer in told] == [b"250", b"250", b"503", b"521"]
        assert await reader.read() == b""
        writer.close()


async def test_dots_come_through(hub: Post) -> None:
    async with door(hub) as port:
        letter = hub.letter(".first\n..second\n.\nend")
        await by_client(port, lambda client: client.send_message(letter))
    (row,) = await hub.hub.store.contacts.page(ContactFilter())
    (message,) = await hub.messages(row.contact.id)
    assert message.text.strip() == ".first\n..second\n.\nend"


async def test_lines_without_an_end(hub: Post) -> None:
    async with door(hub) as port:
        told = await raw_talk(
            port,
            b"EHLO x\r\n",
            f"MAIL FROM:<{SENDER}>\r\n".encode(),
            f"RCPT TO:<{ADDRESS}>\r\n".encode(),
            b"DATA\r\n",
            b"Subject: x\r\n\r\n" + b"x" * 3_000_000 + b"\r\n.\r\n",
            b"NOOP\r\n",
        )
    assert [answer[:3] for answer in told[-2:]] == [b"500", b"250"]


async def test_a_connection_lost_within_a_mail_leaves_nothing(hub: Post) -> None:
    async with door(hub) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        for line in ("HELO x", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{ADDRESS}>", "DATA"):
            writer.write(line.encode() + b"\r\n")
            await reader.readline()
        writer.write(b"Subject: half\r\n\r\nThis is")
        await writer.drain()
        writer.transport.abort()
        # The next one is served as ever.
        await by_client(port, lambda client: client.send_message(hub.letter()))
    (row,) = await hub.hub.store.contacts.page(ContactFilter())
    assert row.contact.subject == "My parcel"


async def test_who_may_connect(hub: Post) -> None:
    async with door(hub, networks=("192.0.2.0/24",)) as port:
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            await by_client(port, lambda client: client.noop())
        assert refused.value.smtp_code == 554
    async with door(hub, connections=2) as port:
        first = await asyncio.open_connection("127.0.0.1", port)
        second = await asyncio.open_connection("127.0.0.1", port)
        await first[0].readline()
        await second[0].readline()
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            await by_client(port, lambda client: client.noop())
        assert refused.value.smtp_code == 421
        for _, writer in (first, second):
            writer.close()


async def test_how_often_one_address_may_come(hub: Post) -> None:
    def ask(client: smtplib.SMTP) -> list[int]:
        client.ehlo()
        codes = []
        for _ in range(4):
            codes.append(client.mail(SENDER)[0])
            client.rset()
        return codes

    async with door(hub, per_minute=3) as port:
        assert await by_client(port, ask) == [250, 250, 250, 450]


async def test_blocked_senders_are_told(hub: Post) -> None:
    block = {"name": "spam", "what": "email", "value": "x@evil.example"}
    await hub.hub.store.configs.put("block", "b", block, version=None, actor="system", at=1)
    await hub.hub.directory.refresh("block", "b")
    async with door(hub) as port:
        with pytest.raises(smtplib.SMTPSenderRefused):
            await by_client(port, lambda client: client.sendmail("x@evil.example", ADDRESS, b"Subject: x\r\n\r\nx"))
        letter = hub.letter(From="x@evil.example")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            await by_client(port, lambda client: client.sendmail(SENDER, ADDRESS, letter.as_bytes(policy=SMTP)))
        assert refused.value.smtp_code == 550


async def test_bounces_have_no_sender(hub: Post) -> None:
    async with door(hub) as port:
        letter = hub.letter(From="MAILER-DAEMON@mx.example")
        assert await by_client(port, lambda client: client.sendmail("", ADDRESS, letter.as_bytes(policy=SMTP))) == {}


async def test_lmtp_answers_for_each_recipient(hub: Post) -> None:
    await hub.mailbox("sales")
    async with door(hub, protocol="lmtp") as port:
        told = await raw_talk(
            port,
            b"LHLO x\r\n",
            f"MAIL FROM:<{SENDER}>\r\n".encode(),
            b"RCPT TO:<support@hub.test>\r\n",
            b"RCPT TO:<nobody@hub.test>\r\n",
            b"RCPT TO:<sales@hub.test>\r\n",
            b"DATA\r\n",
            hub.letter().as_bytes(policy=SMTP) + b".\r\n",
            b"",
        )
    assert [answer[:3] for answer in told] == [b"220", *[b"250"] * 3, b"550", b"250", b"354", b"250", b"250"]
    assert len(await hub.hub.store.contacts.page(ContactFilter())) == 1


async def test_starttls(hub: Post, tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("localhost")
    assert files.certificate is not None
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)

    def encrypted(client: smtplib.SMTP) -> dict[str, Any]:
        client.starttls(context=ssl._create_unverified_context())
        return client.send_message(hub.letter())

    async with door(hub, tls=tls, tls_required=True) as port:
        with pytest.raises(smtplib.SMTPSenderRefused):
            await by_client(port, lambda client: client.send_message(hub.letter()))
        assert await by_client(port, encrypted) == {}
        # What was said before TLS began is not heard in it.
        told = await raw_talk(port, b"EHLO x\r\n", b"STARTTLS\r\nMAIL FROM:<x@y.example>\r\n")
        assert told[-1][:3] != b"250"
    assert len(await hub.hub.store.contacts.page(ContactFilter())) == 1


async def test_many_at_once(hub: Post) -> None:
    """More than there is room for: the others wait their turn."""
    async with door(hub, connections=100) as port:
        letters = [hub.letter(f"Number {n}") for n in range(AT_ONCE * 5)]
        await asyncio.gather(*(by_client(port, partial(smtplib.SMTP.send_message, msg=each)) for each in letters))
    assert len(await hub.hub.store.contacts.page(ContactFilter(), limit=200)) == len(letters)


async def test_a_stop_lets_a_mail_under_way_finish(hub: Post) -> None:
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slowly(raw: bytes, mailbox: str, envelope: Envelope) -> Received:
        begun.set()
        await gate.wait()
        return await hub.receiver.receive(raw, mailbox, envelope)

    made = Door(hub, slowly)
    port = await made.open()
    sending = asyncio.create_task(by_client(port, lambda client: client.send_message(hub.letter())))
    await begun.wait()
    stopping = asyncio.create_task(made.server.stop())
    await asyncio.sleep(0)
    gate.set()
    with contextlib.suppress(smtplib.SMTPServerDisconnected):
        await sending
    await stopping
    assert len(await hub.hub.store.contacts.page(ContactFilter())) == 1
