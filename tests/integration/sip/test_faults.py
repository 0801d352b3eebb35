"""Calls with SIPp over a wire that loses, against peers that misbehave: one call, one record, and nothing stuck."""

import asyncio
import socket
from collections import Counter
from pathlib import Path

import pytest

from channels.voice.sip.events import Answered, Confirmed, Ended, Event, Invited, Progress, Rejected
from channels.voice.sip.resolve import SipResolver
from channels.voice.sip.settings import Account, PeerOptions
from channels.voice.sip.wire import Destination
from tests.integration.sip import scenarios as s
from tests.integration.sip.line import Line, a_line
from tests.integration.sip.sipp import sipp
from tests.integration.sip.wire import Direction, a_wire, bad, losing
from tests.unit.sip.test_resolve import NameServer

FOLLOW = PeerOptions(follow=True)


def one_record_each(line: Line) -> None:
    """Each call had its one final event and nothing after it."""
    finals = Counter(event.call for event in line.events if isinstance(event, Ended | Rejected))
    assert set(finals.values()) <= {1}
    assert set(finals) == {event.call for event in line.events if isinstance(event, Invited | Answered | Rejected)}
    for call in finals:
        last = [event for event in line.events if getattr(event, "call", None) == call][-1]
        assert isinstance(last, Ended | Rejected)


async def calls_us(line: Line, folder: Path, name: str, *steps: str, port: int = 0, calls: int = 1) -> None:
    """SIPp plays `steps` with us to the end."""
    path = s.scenario(folder, name, *steps)
    target = f"127.0.0.1:{port or line.port('udp')}"
    async with sipp(folder, path, target, "-m", str(calls)) as peer:
        await peer.finish()
    await line.until_idle()
    one_record_each(line)


async def test_lost_ack_is_made_up_by_the_answer_again(tmp_path: Path) -> None:
    async with a_line() as line, a_wire(line.port("udp"), losing(3, b"ACK ")) as wire:
        line.on_event = line.answering
        async with sipp(tmp_path, "uac", f"127.0.0.1:{wire.port}", "-m", "1", "-d", "1000") as peer:
            await peer.finish()
        await line.until_idle()
        assert wire.lost == 3
        assert len(line.of(Invited)) == len(line.of(Confirmed)) == len(line.of(Ended)) == 1
        one_record_each(line)


async def test_call_that_is_never_acknowledged_ends(tmp_path: Path) -> None:
    async with a_line() as line:
        line.on_event = line.answering
        await calls_us(
            line,
            tmp_path,
            "no_ack",
            *(s.invite(), s.progress(), s.hear(200), s.hear("BYE"), s.say(200, to=False)),
        )
        assert not line.of(Confirmed)
        assert len(line.of(Ended)) == 1


async def test_invite_again_is_one_call(tmp_path: Path) -> None:
    """Copies of the INVITE come at once, after the answer, after the ACK and after the BYE."""

    def repeat(data: bytes, direction: Direction) -> list[float]:
        return [0.0, 0.0, 0.003, 0.2, 0.9] if data.startswith(b"INVITE") else [0.0]

    async with a_line() as line, a_wire(line.port("udp"), repeat) as wire:
        line.on_event = line.answering
        async with sipp(tmp_path, "uac", f"127.0.0.1:{wire.port}", "-m", "1", "-d", "500") as peer:
            await peer.finish()
        await line.until_idle()
        assert len(line.of(Invited)) == len(line.of(Ended)) == 1
        one_record_each(line)


async def test_cancel_before_the_answer(tmp_path: Path) -> None:
    async with a_line() as line:

        def ring(event: Event) -> None:
            if isinstance(event, Invited):
                line.agent.ring(event.call, line.now)

        line.on_event = ring
        await calls_us(
            line,
            tmp_path,
            "cancel",
            *(s.invite(), s.hear(100, optional=True), s.hear(180)),
            *(s.ask("CANCEL", branch="invite"), s.hear(200), s.hear(487), s.ack(branch="invite")),
        )
        assert [(ended.cause, ended.by) for ended in line.of(Ended)] == [("cancelled", "remote")]


async def test_cancel_crosses_the_answer(tmp_path: Path) -> None:
    """Whoever answered first has won; the call stands until the caller says BYE."""
    async with a_line() as line:
        line.on_event = line.answering
        await calls_us(
            line,
            tmp_path,
            "crossing",
            *(s.invite(), s.progress(), s.hear(200), s.ask("CANCEL", branch="invite"), s.hear(200)),
            *(s.ack(), s.pause(100), s.ask("BYE", seq=2, retrans=True), s.hear(200)),
        )
        assert len(line.of(Confirmed)) == 1
        assert [(ended.cause, ended.by) for ended in line.of(Ended)] == [("bye", "remote")]


async def test_our_cancel_crosses_their_answer(tmp_path: Path) -> None:
    """The call that we gave up is acknowledged and hung up at once."""
    path = s.scenario(
        tmp_path,
        "crossing",
        *(s.hear_and_keep(), s.say(180), s.hear("CANCEL"), s.say(200)),
        *(s.say(200, body=s.SDP, kept=True), s.hear("ACK"), s.hear("BYE"), s.say(200, to=False)),
    )
    async with a_line() as line, sipp(tmp_path, path, "", "-m", "1") as peer:

        def give_up(event: Event) -> None:
            if isinstance(event, Progress):
                line.agent.hang_up(call, line.now)

        line.on_event = give_up
        call = line.call(peer.port)
        await peer.finish()
        await line.until_idle()
        assert [(ended.cause, ended.by) for ended in line.of(Ended)] == [("cancelled", "local")]
        assert not line.of(Answered)


async def test_lost_answer_comes_again(tmp_path: Path) -> None:
    async with a_line() as line, sipp(tmp_path, "uas", "", "-m", "1") as peer:
        async with a_wire(peer.port, losing(2, b"SIP/2.0 200", b"INVITE")) as wire:
            call = line.call(wire.port, options=FOLLOW)
            await line.until(Answered)
            line.hang_up(call)
            await peer.finish()
            await line.until_idle()
            assert wire.lost == 2
        assert len(line.of(Answered)) == 1
        one_record_each(line)


async def test_lost_bye_is_sent_again(tmp_path: Path) -> None:
    async with a_line() as line, sipp(tmp_path, "uas", "", "-m", "1") as peer:
        async with a_wire(peer.port, losing(3, b"BYE ")) as wire:
            call = line.call(wire.port, options=FOLLOW)
            await line.until(Answered)
            line.hang_up(call)
            await peer.finish()
            await line.until_idle()
            assert wire.lost == 3
        one_record_each(line)


async def test_bye_that_never_arrives_does_not_keep_the_call(tmp_path: Path) -> None:
    async with a_line() as line, sipp(tmp_path, "uas", "", "-m", "1") as peer:
        async with a_wire(peer.port, losing(1_000, b"BYE ")) as wire:
            call = line.call(wire.port, options=FOLLOW)
            await line.until(Answered)
            line.hang_up(call)
            await line.until_idle()
            assert wire.lost > 3
        assert len(line.of(Ended)) == 1


async def test_forks_that_answer_late_are_hung_up(tmp_path: Path) -> None:
    """Three phones answer one INVITE: the first has the call, the others get ACK and BYE."""

    def late(tag: str) -> tuple[str, ...]:
        bye = (s.hear("BYE"), s.say(200, to=False))
        return (s.say(200, tag=tag, body=s.SDP, kept=True), s.hear("ACK"), *bye)

    path = s.scenario(
        tmp_path,
        "fork",
        *(s.hear_and_keep(), s.say(180, tag="a"), s.say(180, tag="b")),
        *(s.say(200, tag="a", body=s.SDP), s.hear("ACK"), *late("b"), *late("c"), s.hear("BYE"), s.say(200, to=False)),
    )
    async with a_line() as line, sipp(tmp_path, path, "", "-m", "1") as peer:
        hung_up = 0

        def count(data: bytes, direction: Direction) -> list[float]:
            nonlocal hung_up
            hung_up += data.startswith(b"SIP/2.0 200") and b" BYE" in data
            return [0.0]

        async with a_wire(peer.port, count) as wire:
            call = line.call(wire.port, options=FOLLOW)
            while hung_up < 2:
                await asyncio.sleep(0.02)
            line.hang_up(call)
            await peer.finish()
            await line.until_idle()
        assert len(line.of(Answered)) == len(line.of(Ended)) == 1
        one_record_each(line)


@pytest.mark.parametrize("first", ["503", "silence", "nobody"])
async def test_next_destination_is_tried(first: str, tmp_path: Path) -> None:
    """503, silence, and (over TCP) nobody at the port: the call goes to the trunk's second server."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    busy = s.scenario(tmp_path, "busy", s.hear("INVITE"), s.say(503), s.hear("ACK"))
    options = PeerOptions(silence_s=0.5)
    async with (
        a_line() as line,
        sipp(tmp_path, busy, "", "-m", "1") as full,
        sipp(tmp_path, "uas", "", "-m", "1") as good,
    ):
        tried = {
            "503": Destination("udp", "127.0.0.1", full.port),
            "silence": Destination("udp", "127.0.0.1", silent.getsockname()[1]),
            "nobody": Destination("tcp", "127.0.0.1", silent.getsockname()[1]),
        }[first]
        call = line.call_at([tried, Destination("udp", "127.0.0.1", good.port)], options=options)
        await line.until(Answered)
        line.hang_up(call)
        await good.finish()
        await line.until_idle()
        one_record_each(line)
    silent.close()


async def test_next_server_of_the_same_name_is_tried(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with sipp(tmp_path, "uas", "", "-m", "1") as good:
            ports = (silent.getsockname()[1], good.port)
            records = [f"{priority} 0 {port} one.trunk.test." for priority, port in enumerate(ports)]
            zone = {("_sip._udp.trunk.test.", "SRV"): records, ("one.trunk.test.", "A"): ["127.0.0.1"]}
            transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: NameServer(zone), local_addr=("127.0.0.1", 0)
            )
            port = server.transport.get_extra_info("sockname")[1]
            resolver = SipResolver(("udp",), nameservers=["127.0.0.1"], port=port)
            async with a_line(resolver=resolver) as line:
                call = line.call_at([Destination("udp", "trunk.test", 0)], options=PeerOptions(silence_s=0.5))
                await line.until(Answered)
                line.hang_up(call)
                await good.finish()
                await line.until_idle()
                one_record_each(line)
                line.call_at([Destination("udp", "nowhere.invalid", 0)])
                assert (await line.until(Rejected)).status == 503
                await line.until_idle()
            transport.close()


@pytest.mark.parametrize("kind", ["503", "silence"])
async def test_call_that_nobody_takes_is_rejected(kind: str, tmp_path: Path) -> None:
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    busy = s.scenario(tmp_path, "busy", s.hear("INVITE"), s.say(503), s.hear("ACK"))
    async with a_line() as line, sipp(tmp_path, busy, "", "-m", "1") as full:
        line.call(full.port if kind == "503" else silent.getsockname()[1])
        rejected = await line.until(Rejected)
        assert rejected.status == (503 if kind == "503" else 408)
        await line.until_idle()
        one_record_each(line)
    silent.close()


CHALLENGE = 'WWW-Authenticate: Digest realm="{realm}", nonce="n[msg_index]", algorithm={algorithm}, qop="auth"{stale}\n'


def challenged(realm: str, algorithm: str = "MD5", stale: str = "") -> str:
    extra = CHALLENGE.format(realm=realm, algorithm=algorithm, stale=stale)
    return s.hear("INVITE") + s.say(401, extra=extra) + s.hear("ACK")


@pytest.mark.parametrize("password", ["secret", "guess"])
async def test_challenge_of_our_realm_is_answered(password: str, tmp_path: Path) -> None:
    path = s.scenario(
        tmp_path,
        "digest",
        *(challenged("trunk"), s.hear_credentials("hub", "secret")),
        *(s.say(200, body=s.SDP), s.hear("ACK"), s.hear("BYE"), s.say(200, to=False)),
    )
    options = PeerOptions(account=Account("hub", password, ("trunk",)))
    async with a_line() as line, sipp(tmp_path, path, "", "-m", "1") as peer:
        call = line.call(peer.port, options=options)
        if password == "secret":
            await line.until(Answered)
            line.hang_up(call)
            await peer.finish()
        else:
            assert (await line.until(Rejected)).status == 403
        await line.until_idle()
        one_record_each(line)


@pytest.mark.parametrize("stale", ["", ", stale=true"])
async def test_challenges_without_end_are_given_up(stale: str, tmp_path: Path) -> None:
    count: Counter[bytes] = Counter()

    def watch(data: bytes, direction: Direction) -> list[float]:
        if direction == "there" and data.startswith(b"INVITE"):
            count[data.split(b"CSeq: ", 1)[1].split(b" ", 1)[0]] += 1
        return [0.0]

    path = s.scenario(tmp_path, "endless", *[challenged("trunk", stale=stale) for _ in range(6)])
    options = PeerOptions(account=Account("hub", "secret", ("trunk",)))
    async with a_line() as line, sipp(tmp_path, path, "", "-m", "1") as peer, a_wire(peer.port, watch) as wire:
        line.call(wire.port, options=options)
        assert (await line.until(Rejected)).status == 401
        await line.until_idle()
        assert len(count) <= 3
        one_record_each(line)


async def test_foreign_realm_gets_no_credentials(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def watch(data: bytes, direction: Direction) -> list[float]:
        seen.append(data)
        return [0.0]

    path = s.scenario(tmp_path, "foreign", challenged("elsewhere"))
    options = PeerOptions(account=Account("hub", "secret", ("trunk",)))
    async with a_line() as line, sipp(tmp_path, path, "", "-m", "1") as peer, a_wire(peer.port, watch) as wire:
        line.call(wire.port, options=options)
        rejected = await line.until(Rejected)
        assert rejected.status == 401
        assert "elsewhere" in rejected.reason
        await peer.finish()
        await line.until_idle()
    assert not any(b"Authorization" in data for data in seen)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_bad_wire_loses_no_call_of_theirs(seed: int, tmp_path: Path) -> None:
    """A tenth is lost, a tenth comes twice; thirty calls come whole all the same."""
    async with a_line() as line:
        line.on_event = line.answering
        async with a_wire(line.port("udp"), bad(seed, 0.1, delay_s=0.0)) as wire:
            options = ("-m", "30", "-r", "30", "-d", "100", "-recv_timeout", "20000")
            async with sipp(tmp_path, "uac", f"127.0.0.1:{wire.port}", *options) as peer:
                await peer.finish()
            await line.until_idle()
            assert wire.lost
        assert len(line.of(Invited)) == len(line.of(Ended)) == 30
        one_record_each(line)


@pytest.mark.parametrize("seed", [4, 5, 6])
async def test_bad_wire_loses_no_call_of_ours(seed: int) -> None:
    """SIPp as the called side gives a call up when copies overtake one another, so the other side is ours, too."""
    async with a_line() as line, a_line() as other, a_wire(other.port("udp"), bad(seed, 0.1)) as wire:
        line.on_event = lambda event: line.agent.hang_up(event.call, line.now) if isinstance(event, Answered) else None
        other.on_event = other.answering
        for _ in range(30):
            line.call(wire.port, options=FOLLOW)
        await line.until(Ended, 30)
        await line.until_idle()
        await other.until_idle()
        assert wire.lost
        assert len(line.of(Answered)) == len(line.of(Ended)) == 30
        assert len(other.of(Invited)) == len(other.of(Ended)) == 30
        one_record_each(line)
        one_record_each(other)
