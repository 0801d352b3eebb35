"""The sockets: TLS, connections that are used again or end, strangers, and what never comes whole."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
import uvloop

from channels.voice.sip.events import Answered, Confirmed, Ended, Event, Invited, OptionsAnswered, Rejected
from channels.voice.sip.gate import Rule
from channels.voice.sip.transaction import Timing
from channels.voice.sip.transport_stream import StreamLimits
from channels.voice.sip.wire import Destination, Transport
from tests.integration.sip.certificates import Authority
from tests.integration.sip.line import LOOPBACK, Line, a_line
from tests.unit.sip.corpus import mutations, torture

OPTIONS = (
    b"OPTIONS sip:hub@127.0.0.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/%s 127.0.0.1:9;rport;branch=z9hG4bK%d\r\n"
    b"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:hub@127.0.0.1>\r\n"
    b"Call-ID: c%d\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def options(number: int = 1, transport: bytes = b"TCP") -> bytes:
    return OPTIONS % (transport, number, number)


async def call_and_hang_up(caller: Line, called: Line, transport: Transport, host: str | None = None) -> None:
    called.on_event = called.answering
    before, others = len(caller.of(Answered)), (len(called.of(Confirmed)), len(called.of(Ended)))
    call = caller.call(called.port(transport), transport, host=host)
    await caller.until(Answered, before + 1)
    await called.until(Confirmed, others[0] + 1)
    caller.hang_up(call)
    await called.until(Ended, others[1] + 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_call_by_tls(host: str, tmp_path: Path) -> None:
    files = Authority(tmp_path).issue(host)
    async with a_line(("tls",), host=host, tls=files) as one, a_line(("tls",), host=host, tls=files) as other:
        for _ in range(3):
            await call_and_hang_up(one, other, "tls")
        invited = other.of(Invited)
        assert len({event.source.flow for event in invited}) == 1, "one connection carries all three"
        assert {event.source.transport for event in invited} == {"tls"}


async def test_name_is_looked_up_and_its_certificate_asked_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    right, wrong = authority.issue("localhost"), authority.issue("elsewhere.example")
    async with a_line(("tls",), tls=right) as called, a_line(("tls",), tls=right) as caller:
        await call_and_hang_up(caller, called, "tls", "localhost")
    async with a_line(("tls",), tls=wrong) as called, a_line(("tls",), tls=right) as caller:
        caller.call(called.port("tls"), "tls", host="localhost")
        assert (await caller.until(Rejected)).status == 503
        assert not called.events


async def test_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "a").issue("127.0.0.1"), Authority(tmp_path, "b")
    async with a_line(("tls",), tls=ours) as called, a_line(("tls",), tls=theirs.issue("127.0.0.2")) as caller:
        caller.call(called.port("tls"), "tls")
        assert (await caller.until(Rejected)).status == 503


async def test_renewed_certificates_are_taken_and_calls_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As certbot does it: other files under the same names, the certificate some time before its key."""
    monkeypatch.setattr("channels.voice.sip.transport.SWEEP_S", 0.05)
    authority = Authority(tmp_path)
    files = authority.issue("127.0.0.1")
    assert files.certificate is not None and files.key is not None

    async def shown() -> bytes:
        """The certificate that a new connection sees."""
        return (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", called.port("tls")))).encode()

    async with a_line(("tls",), tls=files) as called, a_line(("tls",), tls=files) as caller:
        called.on_event = called.answering
        call = caller.call(called.port("tls"), "tls")
        await called.until(Confirmed)
        renewed = authority.issue("renewed", "127.0.0.1")
        assert renewed.certificate is not None and renewed.key is not None
        old, new = files.certificate.read_bytes(), renewed.certificate.read_bytes()
        with structlog.testing.capture_logs() as logs:
            files.certificate.write_bytes(new)
            while not any(log["event"] == "sip.certificate_unusable" for log in logs):
                await asyncio.sleep(0.02)
        assert await shown() == old, "half a pair is not taken"
        files.key.write_bytes(renewed.key.read_bytes())
        while await shown() != new:
            await asyncio.sleep(0.02)
        assert not called.of(Ended), "the call stands"
        caller.hang_up(call)
        await called.until(Ended)
        await call_and_hang_up(caller, called, "tls")


async def test_options_over_every_transport(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("127.0.0.1")
    async with a_line(("udp", "tcp", "tls"), tls=files) as one, a_line(("udp", "tcp", "tls"), tls=files) as other:
        kinds: tuple[Transport, ...] = ("udp", "tcp", "tls")
        for number, kind in enumerate(kinds, 1):
            one.agent.options(Destination(kind, "127.0.0.1", other.port(kind)), one.now)
            one.transport.flush()
            assert (await one.until(OptionsAnswered, number)).status == 200


async def test_nobody_there_is_told_at_once() -> None:
    async with a_line(("tcp",)) as line:
        destination = Destination("tcp", "127.0.0.1", 1)
        line.agent.options(destination, line.now)
        line.transport.flush()
        assert (await line.until(OptionsAnswered)).status is None
        destination = Destination("tcp", "nowhere.invalid", 5060)
        line.agent.options(destination, line.now)
        line.transport.flush()
        assert (await line.until(OptionsAnswered, 2)).status is None


async def connect(line: Line) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", line.port("tcp"))


async def test_stream_is_framed_and_pings_are_answered() -> None:
    async with a_line(("tcp",)) as line:
        reader, writer = await connect(line)
        stream = options(1) + b"\r\n\r\n" + options(2)
        for byte in stream:
            writer.write(bytes([byte]))
        answers = b""
        while answers.count(b"SIP/2.0 200") < 2:
            answers += await reader.read(10_000)
        assert answers.startswith(b"\r\nSIP") or b"\r\n\r\n\r\nSIP" in answers, "there is a pong before an answer"
        writer.close()
        await writer.wait_closed()


async def test_stranger_gets_no_connection() -> None:
    async with a_line(("tcp",), rules=[Rule("trunk", ("192.0.2.1",))]) as line:
        reader, writer = await connect(line)
        assert await reader.read() == b""
        writer.close()
        assert line.gate.strangers == 1
        assert not line.transport.counts["received"]


async def test_connection_is_closed_when_its_source_is_not_allowed_any_more() -> None:
    async with a_line(("tcp",)) as line:
        reader, writer = await connect(line)
        writer.write(options(1))
        assert (await reader.read(10_000)).startswith(b"SIP/2.0 200")
        line.gate.set_rules([])
        writer.write(options(2))
        with pytest.raises(ConnectionError):
            while await reader.read(10_000):
                pass
            raise ConnectionResetError
        writer.close()


@pytest.mark.parametrize("bytes_sent", [b"", b"OPTIONS sip:a SIP/2.0\r\n"])
async def test_connection_that_brings_nothing_whole_is_closed(bytes_sent: bytes) -> None:
    limits = StreamLimits(first_s=0.1, message_s=0.1)
    async with a_line(("tcp",), limits=limits) as line:
        reader, writer = await connect(line)
        writer.write(bytes_sent)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_message_without_length_is_refused_and_the_connection_closed() -> None:
    async with a_line(("tcp",)) as line:
        reader, writer = await connect(line)
        writer.write(options(1).replace(b"Content-Length: 0\r\n", b"") + options(2))
        answers = await reader.read()
        assert answers.startswith(b"SIP/2.0 400")
        assert answers.count(b"SIP/2.0") == 2, "the answer and its Via"
        writer.close()


async def test_connections_of_one_source_are_bounded() -> None:
    async with a_line(("tcp",), limits=StreamLimits(of_source=3)) as line:
        streams = [await connect(line) for _ in range(3)]
        for number, (reader, writer) in enumerate(streams):
            writer.write(options(number))
            assert (await reader.read(10_000)).startswith(b"SIP/2.0 200")
        streams.append(await connect(line))
        assert await streams[-1][0].read() == b""
        assert line.transport.counts["refused_connections"] == 1
        for _, writer in streams:
            writer.close()


async def test_sender_that_is_too_fast_is_slowed_down_and_not_cut_off() -> None:
    rule = Rule("trunk", ("127.0.0.1",), rate=50.0, burst=5.0)
    async with a_line(("tcp",), rules=[rule]) as line:
        reader, writer = await connect(line)
        start = line.now
        writer.write(b"".join(options(number) for number in range(20)))
        answers = b""
        while answers.count(b"SIP/2.0 200") < 20:
            answers += await reader.read(10_000)
        assert line.now - start > 0.25
        writer.close()


async def test_peer_that_does_not_read_is_dropped() -> None:
    loop = asyncio.get_running_loop()
    async with a_line(("tcp",), limits=StreamLimits(queue=20_000)) as line:
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            peer.setblocking(False)
            await loop.sock_connect(peer, ("127.0.0.1", line.port("tcp")))
            number = 0
            with suppress(ConnectionError):
                while not line.transport.counts["undelivered"]:
                    number += 1
                    await loop.sock_sendall(peer, options(number))
        while not line.transport.counts["undelivered"]:
            await asyncio.sleep(0.02)


async def test_malformed_request_is_answered_and_the_next_is_taken() -> None:
    async with a_line(("udp", "tcp")) as line:
        reader, writer = await connect(line)
        writer.write(options(1).replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE") + options(2))
        answers = b""
        while b"SIP/2.0 200" not in answers:
            answers += await reader.read(10_000)
        assert answers.startswith(b"SIP/2.0 400 CSeq of another method")
        assert line.transport.counts["malformed"] == 1
        writer.close()


async def test_torture_over_the_sockets_and_the_next_call_works() -> None:
    """The corpus of RFC 4475 and mutations of it, by UDP and TCP; what they begin is over by the clock."""
    async with a_line(("udp", "tcp")) as one, a_line(("udp", "tcp")) as other:
        with structlog.testing.capture_logs() as logs, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for data in (*torture().values(), *mutations(1_000, seed=4_475)):
                peer.sendto(data[:60_000], ("127.0.0.1", other.port("udp")))
                _, writer = await connect(other)
                writer.write(data)
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
            await call_and_hang_up(one, other, "udp")
            await call_and_hang_up(one, other, "tcp")
        assert other.transport.counts["malformed"] > 500
        assert not [log for log in logs if log["log_level"] == "error"]


async def test_a_fault_in_a_handler_ends_no_other_call() -> None:
    async with a_line(("udp",)) as one, a_line(("udp",)) as other:
        failed = 0

        def answer_badly(event: Event) -> None:
            nonlocal failed
            other.answering(event)
            if isinstance(event, Invited) and not failed:
                failed += 1
                raise RuntimeError("a handler's mistake")

        other.on_event = answer_badly
        with structlog.testing.capture_logs() as logs:
            for number in (1, 2):
                call = one.call(other.port("udp"))
                await one.until(Answered, number)
                one.hang_up(call)
                await other.until(Ended, number)
        assert [log["event"] for log in logs if log["log_level"] == "error"] == ["sip.event_failed"]


async def test_nothing_is_left_when_it_stops() -> None:
    async with a_line(("udp", "tcp"), rules=[LOOPBACK]) as line:
        _, writer = await connect(line)
        line.call(1, "tcp")
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    writer.close()


def test_timers_that_are_due_at_once() -> None:
    """The loop that the hub runs on hands out something else for them than for later ones."""

    async def unanswered() -> None:
        # Deadlines lie within the loop's grain of a millisecond.
        async with a_line(("udp",), timing=Timing(0.0002, 0.0004, 0.0004, 0.01)) as line:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
                silent.bind(("127.0.0.1", 0))
                for _ in range(20):
                    line.call(silent.getsockname()[1])
                await line.until(Rejected, 20)

    troubles: list[object] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(lambda loop, context: troubles.append(context))
        runner.run(unanswered())
    assert troubles == []
