"""With SIPp: calls that are too large for a datagram, and calls that are sent on by a 3xx."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels.voice.sip.events import Answered, Ended, Rejected
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.resolve import SipResolver
from channels.voice.sip.settings import PeerOptions
from channels.voice.sip.wire import Destination
from tests.integration.sip import scenarios as s
from tests.integration.sip.line import Line, a_line, free_port, sdp
from tests.integration.sip.sipp import sipp
from tests.unit.sip.test_resolve import NameServer

LARGE = (("X-Long", "x" * 1_500),)


def call(
    line: Line, port: int, *, headers: tuple[tuple[str, str], ...] = (), options: PeerOptions | None = None
) -> str:
    id = line.agent.invite(
        NameAddr("", f"sip:service@127.0.0.1:{port}"),
        NameAddr("", "sip:hub@127.0.0.1"),
        sdp(),
        [Destination("udp", "127.0.0.1", port)],
        line.now,
        headers=headers,
        options=options,
    )
    line.transport.flush()
    return id


@pytest.mark.parametrize("takes", ["t1", "u1"])
async def test_a_large_call_goes_by_tcp_and_by_udp_where_that_is_refused(takes: str, tmp_path: Path) -> None:
    async with a_line(("udp", "tcp")) as line, sipp(tmp_path, "uas", "", "-m", "1", "-t", takes) as peer:
        id = call(line, peer.port, headers=LARGE)
        await line.until(Answered)
        line.hang_up(id)
        await line.until(Ended)
        await peer.finish()
        await line.until_idle()
        assert not line.of(Rejected)


def sends_on(folder: Path, port: int, q: str = "") -> str:
    contact = f"Contact: <sip:service@127.0.0.1:{port}>{q}\n"
    answer = s.say(302).replace("Contact: <sip:service@[local_ip]:[local_port];transport=[transport]>\n", contact)
    return s.scenario(folder, "sends_on", s.hear("INVITE"), answer, s.hear("ACK"))


async def test_a_call_that_is_sent_on_is_one_call(tmp_path: Path) -> None:
    async with a_line() as line, sipp(tmp_path, "uas", "", "-m", "1") as good:
        async with sipp(tmp_path, sends_on(tmp_path, good.port), "", "-m", "1") as first:
            id = call(line, first.port, options=PeerOptions(redirect=lambda uri: f":{good.port}" in uri))
            await line.until(Answered)
            await first.finish()
        line.hang_up(id)
        await good.finish()
        await line.until_idle()
        assert len(line.of(Answered)) == len(line.of(Ended)) == 1
        assert not line.of(Rejected)


async def test_a_call_that_is_sent_to_a_stranger_is_not_made(tmp_path: Path) -> None:
    async with a_line() as line, a_line() as stranger:
        path = sends_on(tmp_path, stranger.port("udp"))
        async with sipp(tmp_path, path, "", "-m", "1") as first:
            call(line, first.port, options=PeerOptions(redirect=lambda uri: False))
            assert (await line.until(Rejected)).status == 302
            await first.finish()
        await line.until_idle()
        assert not stranger.events and not stranger.transport.counts["received"]


async def test_dns_chooses_between_udp_and_tcp_and_a_dead_server_is_passed_over(tmp_path: Path) -> None:
    """NAPTR puts TLS first, which is not for DNS to choose, then TCP; its first server is not there."""
    async with sipp(tmp_path, "uas", "", "-m", "1", "-t", "t1") as good:
        ports = (free_port(), good.port)
        zone = {
            ("trunk.test.", "NAPTR"): [
                '10 10 "s" "SIPS+D2T" "" _sips._tcp.trunk.test.',
                '20 10 "s" "SIP+D2T" "" _sip._tcp.trunk.test.',
                '30 10 "s" "SIP+D2U" "" _sip._udp.trunk.test.',
            ],
            ("_sips._tcp.trunk.test.", "SRV"): [f"1 0 {good.port} one.trunk.test."],
            ("_sip._tcp.trunk.test.", "SRV"): [f"{rank} 0 {port} one.trunk.test." for rank, port in enumerate(ports)],
            ("one.trunk.test.", "A"): ["127.0.0.1"],
        }
        transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: NameServer(zone), local_addr=("127.0.0.1", 0)
        )
        port = server.transport.get_extra_info("sockname")[1]
        resolver = SipResolver(("udp", "tcp", "tls"), nameservers=["127.0.0.1"], port=port)
        async with a_line(("udp", "tcp"), resolver=resolver) as line:
            id = line.call_at([Destination("udp", "trunk.test", 0, either=True)])
            await line.until(Answered)
            line.hang_up(id)
            await good.finish()
            await line.until_idle()
        assert ("_sips._tcp.trunk.test.", "SRV") not in server.asked
        transport.close()


async def test_who_hangs_up_without_a_word_is_followed_by_the_next_at_once(tmp_path: Path) -> None:
    """A server that takes connections and closes them: no timer has to run out."""

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    first = Destination("tcp", "127.0.0.1", server.sockets[0].getsockname()[1])
    options = PeerOptions(silence_s=3_600.0)
    async with a_line() as line, sipp(tmp_path, "uas", "", "-m", "1") as good:
        id = line.call_at([first, Destination("udp", "127.0.0.1", good.port)], options=options)
        await line.until(Answered)
        line.hang_up(id)
        await good.finish()
        await line.until_idle()
    server.close()
    await server.wait_closed()
