"""Two plain telephones bridged by the engine: tones prove who hears whom, in the calls and in the recordings."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.errors import InvalidInput, Unavailable
from hub.media import (
    Connected,
    Digit,
    Hear,
    Interrupted,
    Play,
    Played,
    Recorded,
    RecordingOptions,
    RtpOptions,
    Silence,
)
from tests.integration.media.exchange import (
    Exchange,
    channels,
    describe,
    holds,
    open_exchange,
    open_pair,
    read,
    unsealed,
)
from tests.integration.media.phone import open_phone
from tests.integration.media.tones import samples, share, tone, write_wav


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange() as made:
        yield made


async def test_each_hears_the_other(exchange: Exchange) -> None:
    async with open_pair(exchange, "c", 440, 700) as (customer, agent):
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        assert len(customer.ssrcs) == 1 and customer.missed == 0
        stats = await exchange.engine.stats("c")
        assert set(stats) == {"customer", "agent"}
        assert stats["customer"].codec == "PCMU" and stats["customer"].lost == 0
        assert (stats["customer"].mos or 0) > 4
        assert {event.leg for event in exchange.told(Connected)} == {"customer", "agent"}


async def test_who_has_gone_leaves_his_figures(exchange: Exchange) -> None:
    async with open_pair(exchange, "c", 440, 700) as (customer, agent):
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        await exchange.engine.drop_leg("c", "agent")
        stats = await exchange.engine.stats("c")
        assert stats["agent"].packets_in > 10 and (stats["agent"].mos or 0) > 4
        assert set(stats) == {"customer", "agent"}
        await exchange.engine.drop_call("c")
        assert await exchange.engine.stats("c") == {}


async def test_what_is_heard_is_switched_in_one_stream(exchange: Exchange, tmp_path: Path) -> None:
    """Talk, music on hold, a prompt, talk again: one SSRC, no gap in the sequence numbers, and the agent in peace."""
    music = write_wav(tmp_path / "music.wav", tone(1000, 2), 8000)
    prompt = write_wav(tmp_path / "prompt.wav", tone(600, 1.5, 16_000), 16_000)
    async with open_pair(exchange, "c", 440, 700) as (customer, agent):
        await customer.until_hears(700)
        await exchange.engine.hear("c", "customer", Play((str(music),), loop=True))
        await exchange.engine.hear("c", "agent", Silence())
        await customer.until_hears(1000, 3)
        assert agent.hears(440, 1) < 0.1
        await exchange.engine.hear("c", "customer", Play((str(prompt),), token="greeting"))
        await customer.until_hears(600)
        assert (await exchange.until_told(Played)).token == "greeting"
        await exchange.bridge("c")
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        assert len(customer.ssrcs) == 1 and customer.missed == 0


async def test_keys_are_told_passed_on_and_sent(exchange: Exchange) -> None:
    async with open_pair(exchange, "c", 440, 700) as (customer, agent):
        await customer.until_hears(700)
        customer.press("159#")
        await exchange.until_told(Digit, 4)
        assert [(event.leg, event.digit) for event in exchange.told(Digit)] == [("customer", d) for d in "159#"]
        while agent.keys != "159#":
            await asyncio.sleep(0.02)
        await exchange.engine.digits("c", "customer", "2*")
        while customer.keys != "2*":
            await asyncio.sleep(0.02)
        await customer.until_hears(700)


async def test_three_hear_each_other(exchange: Exchange) -> None:
    async with open_pair(exchange, "c", 440, 700) as (customer, agent), open_phone(1000) as third:
        await exchange.join("c", "third", third)
        await exchange.engine.hear("c", "customer", Hear(("agent", "third")))
        await exchange.engine.hear("c", "agent", Hear(("customer", "third")))
        await exchange.engine.hear("c", "third", Hear(("customer", "agent")))
        for phone, others in ((customer, (700, 1000)), (agent, (440, 1000)), (third, (440, 700))):
            for hertz in others:
                await phone.until_hears(hertz, least=0.4)
        assert customer.hears(440) < 0.05 and agent.hears(700) < 0.05 and third.hears(1000) < 0.05
        # When the third leaves, the two are passed through again.
        await exchange.engine.drop_leg("c", "third")
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))


async def test_both_channels_are_recorded(exchange: Exchange, tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    async with open_pair(exchange, "c", 440, 700) as (customer, _agent):
        await customer.until_hears(700)
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
        await customer.until_hears(700, 2)
        await exchange.engine.stop_recording("c", "r")
        done = await exchange.until_told(Recorded)
        left, right = channels(read(path))
        assert done.bytes == path.stat().st_size and abs(len(left) / 8 - done.ms) < 5
        assert holds(left[1600:], 440) > 0.9 and holds(right[1600:], 700) > 0.9
        # Nothing is missing: mu-law silence does not stand anywhere in the tones.
        assert b"\xff" * 80 not in left[1600:-1600]


async def test_pause_leaves_silence(exchange: Exchange, tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    async with open_pair(exchange, "c", 440, 700) as (customer, agent):
        await customer.until_hears(700)
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
        await customer.until_hears(700, 1)
        await exchange.engine.pause_recording("c", "r", True)
        await customer.until_hears(700, 1)
        await exchange.engine.pause_recording("c", "r", False)
        await agent.until_hears(440, 1)
        await exchange.engine.drop_call("c")
        done = await exchange.until_told(Recorded)
        left, right = channels(read(path))
        for channel in (left, right):
            silent = channel.count(b"\xff" * 160)
            assert 6000 <= 160 * silent <= 12_000
        assert abs(len(left) / 8 - done.ms) < 5


async def test_encrypted_recording_is_read_with_its_key(exchange: Exchange, tmp_path: Path) -> None:
    path, key = tmp_path / "r.wav", os.urandom(32)
    async with open_pair(exchange, "c", 440, 700) as (customer, _agent):
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent", key))
        await customer.until_hears(700, 2)
        await exchange.engine.stop_recording("c", "r")
        await exchange.until_told(Recorded)
    assert b"RIFF" not in read(path)
    data, complete = await asyncio.to_thread(unsealed, path, key)
    assert complete
    left, right = channels(data)
    assert holds(left, 440) > 0.8 and holds(right, 700) > 0.8


async def test_killed_worker_is_told_and_replaced(exchange: Exchange, tmp_path: Path) -> None:
    """Its calls end as interrupted, what they recorded plays, and the next call works."""
    path, sealed, key = tmp_path / "r.wav", tmp_path / "s.wav", os.urandom(32)
    async with open_pair(exchange, "c", 440, 700) as (customer, _agent):
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
        await exchange.engine.record("c", RecordingOptions("s", str(sealed), "customer", "agent", key))
        await customer.until_hears(700, 5)
        killed = exchange.engine.places[0].pid
        os.kill(killed, signal.SIGKILL)
        assert (await exchange.until_told(Interrupted)).calls == ("c",)
    left, right = channels(read(path))
    assert len(left) > 2.5 * 8000
    assert holds(left[1600:], 440) > 0.8 and holds(right[1600:], 700) > 0.8
    data, complete = await asyncio.to_thread(unsealed, sealed, key)
    assert not complete and len(data) > 2 * 2.5 * 8000
    assert await exchange.engine.stats("c") == {}
    await exchange.engine.places[0].up.wait()
    assert exchange.engine.places[0].pid != killed
    async with open_pair(exchange, "d", 440, 700) as (customer, agent):
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))


async def test_strangers_are_not_let_in(exchange: Exchange) -> None:
    """A source that is not the party's, however early and loud, is not heard, and the party goes on being heard."""
    async with open_pair(exchange, "c", 440, 700) as (customer, agent), open_phone(1500) as stranger:
        await agent.until_hears(440)
        stranger.target = customer.target
        talking = asyncio.create_task(stranger.talk())
        await agent.until_hears(440, 2)
        assert agent.hears(1500, 2) < 0.01
        assert not stranger.heard
        talking.cancel()


async def test_phone_behind_nat_is_latched_once(exchange: Exchange) -> None:
    """It speaks from another port than it said; what it hears goes there."""
    async with open_phone(440) as customer, open_phone(700) as agent, open_phone(1500) as stranger:
        await exchange.join("c", "agent", agent)
        answer = await exchange.engine.rtp_leg("c", "customer", RtpOptions(), describe(9))
        customer.target = stranger.target = ("127.0.0.1", int(answer.split("m=audio ")[1].split()[0]))
        await exchange.bridge("c")
        talking = asyncio.create_task(customer.talk())
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        intruding = asyncio.create_task(stranger.talk())
        await agent.until_hears(440, 2)
        assert agent.hears(1500, 2) < 0.01 and not stranger.heard
        talking.cancel()
        intruding.cancel()


async def test_signalled_address_alone_is_taken_where_the_trunk_says_so(exchange: Exchange) -> None:
    async with open_phone(440) as customer, open_phone(700) as agent, open_phone(1500) as stranger:
        await exchange.join("c", "agent", agent)
        answer = await exchange.engine.rtp_leg("c", "customer", RtpOptions(latch="signalled"), describe(customer.port))
        customer.target = stranger.target = ("127.0.0.1", int(answer.split("m=audio ")[1].split()[0]))
        await exchange.bridge("c")
        intruding = asyncio.create_task(stranger.talk())
        await customer.until_hears(700)
        assert agent.hears(1500, 1) < 0.01 and not stranger.heard
        talking = asyncio.create_task(customer.talk())
        await agent.until_hears(440)
        talking.cancel()
        intruding.cancel()


async def test_our_offer_is_answered(exchange: Exchange) -> None:
    """An outbound leg, and a second answer that replaces the first (a fork)."""
    async with open_phone(440) as first, open_phone(600) as second, open_phone(700) as agent:
        await exchange.join("c", "agent", agent)
        offer = await exchange.engine.rtp_leg("c", "customer", RtpOptions(towards="127.0.0.1"))
        first.target = second.target = ("127.0.0.1", int(offer.split("m=audio ")[1].split()[0]))
        await exchange.bridge("c")
        await exchange.engine.answered("c", "customer", describe(first.port))
        talking = [asyncio.create_task(first.talk())]
        await asyncio.gather(first.until_hears(700), agent.until_hears(440))
        await exchange.engine.answered("c", "customer", describe(second.port))
        talking.append(asyncio.create_task(second.talk()))
        await asyncio.gather(second.until_hears(700), agent.until_hears(600))
        for task in talking:
            task.cancel()


async def test_hold_by_the_peer_is_honoured(exchange: Exchange) -> None:
    async with open_pair(exchange, "c", 440, 700) as (customer, _agent):
        await customer.until_hears(700)
        answer = await exchange.engine.offered("c", "customer", describe(customer.port, direction="sendonly"))
        assert "a=recvonly" in answer
        await asyncio.sleep(0.2)
        before = len(customer.heard)
        await asyncio.sleep(0.5)
        assert len(customer.heard) == before
        answer = await exchange.engine.offered("c", "customer", describe(customer.port))
        assert "a=sendrecv" in answer
        await customer.until_hears(700)


async def test_what_cannot_be_met_is_refused(exchange: Exchange, tmp_path: Path) -> None:
    engine = exchange.engine
    with pytest.raises(InvalidInput):
        await engine.rtp_leg("c", "customer", RtpOptions(), "v=0\r\n")
    with pytest.raises(InvalidInput):
        await engine.rtp_leg("c", "customer", RtpOptions(codecs=("G722",)), describe(4000))
    with pytest.raises(InvalidInput):
        await engine.hear("c", "customer", Silence())
    async with open_phone(440) as phone:
        await exchange.join("c", "customer", phone)
        with pytest.raises(InvalidInput, match="no such sound file"):
            await engine.hear("c", "customer", Play((str(tmp_path / "none.wav"),)))
        with pytest.raises(InvalidInput):
            await engine.digits("c", "customer", "12x")
    await engine.drop_call("c")
    await engine.drop_call("c")
    await engine.drop_leg("c", "customer")


async def test_worker_takes_no_more_than_its_share() -> None:
    async with open_exchange() as exchange, open_phone(440) as phone:
        exchange.engine._calls_each = 1
        await exchange.join("one", "customer", phone)
        with pytest.raises(Unavailable):
            await exchange.engine.rtp_leg("two", "customer", RtpOptions(), describe(4000))
        await exchange.engine.drop_call("one")
        await exchange.engine.rtp_leg("two", "customer", RtpOptions(), describe(4000))


async def test_echo_to_oneself(exchange: Exchange) -> None:
    """The test call with which an agent hears his own headset."""
    async with open_phone(440) as phone:
        await exchange.join("c", "agent", phone)
        await exchange.engine.hear("c", "agent", Hear(("agent",)))
        await phone.until_hears(440)


async def test_orderly_stop_completes_recordings(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    async with open_exchange() as exchange, open_pair(exchange, "c", 440, 700) as (customer, _agent):
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
        await customer.until_hears(700, 2)
    done = exchange.told(Recorded)
    assert [event.recording for event in done] == ["r"] and not exchange.told(Interrupted)
    left, right = channels(read(path))
    assert len(left) / 8 == pytest.approx(done[0].ms, abs=5)
    assert holds(left[1600:-1600], 440) > 0.9 and holds(right[1600:-1600], 700) > 0.9


async def test_last_word_counts_while_sounds_are_read(exchange: Exchange, tmp_path: Path) -> None:
    """Told to play and, before the file was read, to hear the other: it is the other."""
    music = write_wav(tmp_path / "music.wav", tone(1000, 60), 8000)
    async with open_pair(exchange, "c", 440, 700) as (customer, _agent):
        playing = asyncio.create_task(exchange.engine.hear("c", "customer", Play((str(music),), loop=True)))
        await asyncio.sleep(0)
        await exchange.engine.hear("c", "customer", Hear(("agent",)))
        await playing
        await customer.until_hears(700, 2)


async def test_ipv6(exchange: Exchange) -> None:
    """One party over IPv6, the other over IPv4."""
    async with open_phone(440, "::1") as customer, open_phone(700) as agent:
        await exchange.join("c", "customer", customer, host="::1")
        await exchange.join("c", "agent", agent)
        await exchange.bridge("c")
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))


async def test_refreshed_session_does_not_begin_a_prompt_anew(exchange: Exchange, tmp_path: Path) -> None:
    """An offer that changes nothing, as session timers make them, in the middle of a prompt of two tones."""
    prompt = write_wav(tmp_path / "prompt.wav", tone(600, 2) + tone(1000, 2), 8000)
    async with open_phone(440) as customer:
        await exchange.join("c", "customer", customer)
        await exchange.engine.hear("c", "customer", Play((str(prompt),), token="greeting"))
        await customer.until_hears(1000, 0.5)
        at = len(customer.heard)
        await exchange.engine.offered("c", "customer", describe(customer.port))
        await exchange.until_told(Played)
        # From now on the end of the second tone; had it begun anew, the first would stand here again.
        heard = samples(bytes(customer.heard[at:]))
        blocks = [heard[n : n + 800] for n in range(0, len(heard) - 799, 800)]
        assert len(blocks) > 5 and not [block for block in blocks if share(block, 600) > 0.5]
        assert len(exchange.told(Played)) == 1
