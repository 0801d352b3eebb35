"""What happens to calls when a process of the media plane, or the hub itself, fails; and when a party falls silent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from hub.errors import Unavailable
from hub.media import Interrupted, Lost, RtpOptions, Silence, Silent
from hub.metrics import Metrics
from tests.integration.media.exchange import SETTINGS, Exchange, channels, holds, open_exchange, open_pair, read
from tests.integration.media.phone import open_phone
from tests.peers import CHECKOUT
from webrtc.engine import EmbeddedMedia
from webrtc.measures import measure


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange() as made:
        yield made


async def test_worker_that_stands_still_is_replaced() -> None:
    async with open_exchange(hung_s=5) as exchange:
        async with open_pair(exchange, "c", 440, 700) as (customer, _agent):
            await customer.until_hears(700)
            stopped = exchange.engine.places[0].pid
            os.kill(stopped, signal.SIGSTOP)
            assert (await exchange.until_told(Interrupted)).calls == ("c",)
        while psutil.pid_exists(stopped):
            await asyncio.sleep(0.02)
        await exchange.engine.places[0].up.wait()
        async with open_pair(exchange, "d", 440, 700) as (customer, _agent):
            await customer.until_hears(700)


async def test_other_workers_calls_go_on() -> None:
    async with (
        open_exchange(workers=2) as two,
        open_pair(two, "c", 440, 700) as (one, _),
        open_pair(two, "d", 600, 1000) as (other, _),
    ):
        await asyncio.gather(one.until_hears(700), other.until_hears(1000))
        victim = next(place for place in two.engine.places if "c" in place.calls)
        assert victim.calls == {"c"}
        os.kill(victim.pid, signal.SIGKILL)
        assert (await two.until_told(Interrupted)).calls == ("c",)
        await other.until_hears(1000)
        assert other.missed == 0
        await victim.up.wait()


async def test_workers_of_a_killed_hub_complete_their_recordings(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    async with open_phone(440) as customer:
        hub = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.media.hub_with_a_call", str(path), str(customer.port)),
            cwd=CHECKOUT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert hub.stdout is not None
        fields: list[bytes] = []
        while fields[:1] != [b"ready"]:
            fields = (await hub.stdout.readline()).split()
        worker = psutil.Process(int(fields[1]))
        customer.target = ("127.0.0.1", int(fields[2]))
        talking = asyncio.create_task(customer.talk())
        while len(customer.heard) < 3 * 8000:
            await asyncio.sleep(0.02)
        hub.kill()
        await hub.wait()
        while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)
        talking.cancel()
    left, right = channels(read(path))
    assert len(left) > 2.5 * 8000
    assert holds(left[1600:], 440) > 0.8 and set(right) == {0xFF}


async def test_silence_of_a_party_is_told_once(exchange: Exchange) -> None:
    async with open_phone(440) as customer:
        await exchange.join("c", "customer", customer, RtpOptions(quiet_ms=1500))
        while not customer.heard:
            await asyncio.sleep(0.02)
        assert not exchange.told(Silent)
        await exchange.close()
        told = await exchange.until_told(Silent)
        assert (told.call, told.leg) == ("c", "customer") and told.ms >= 1500
        await asyncio.sleep(2.5)
        assert len(exchange.told(Silent)) == 1
        assert not exchange.told(Lost)


async def test_worker_survives_whatever_is_sent_to_a_leg(exchange: Exchange) -> None:
    """Random datagrams from the party's own address: the call goes on."""
    async with open_pair(exchange, "c", 440, 700) as (customer, agent):
        await agent.until_hears(440)
        assert customer.target is not None and customer._transport is not None
        for n in range(3000):
            customer._transport.sendto(os.urandom(n % 200), customer.target)
            kinds = bytes((0x80 | n & 0x3F, (0, 101, 200, 201, 203)[n % 5]))
            customer._transport.sendto(kinds + os.urandom(n % 190), customer.target)
            if n % 100 == 0:
                await asyncio.sleep(0.01)
        await customer.until_hears(700)
        await exchange.engine.hear("c", "agent", Silence())
        await exchange.bridge("c")
        await agent.until_hears(440)


async def test_figures_show_calls_and_replacements(exchange: Exchange) -> None:
    metrics = Metrics()
    measure(exchange.engine, metrics)
    async with open_phone(440) as customer:
        await exchange.join("c", "customer", customer)
        text = (await metrics.text()).decode()
        assert 'contacthub_media_calls{worker="0"} 1.0' in text
        assert 'contacthub_media_worker_starts_total{worker="0"} 1.0' in text
        os.kill(exchange.engine.places[0].pid, signal.SIGKILL)
        await exchange.until_told(Interrupted)
        await exchange.engine.places[0].up.wait()
        text = (await metrics.text()).decode()
        assert 'contacthub_media_calls{worker="0"} 0.0' in text
        assert 'contacthub_media_worker_starts_total{worker="0"} 2.0' in text


async def test_workers_that_cannot_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webrtc.engine.command", lambda descriptor: [sys.executable, "-c", "raise SystemExit(1)"])
    engine = EmbeddedMedia(SETTINGS, 2)
    with pytest.raises(Unavailable, match="did not start"):
        await engine.start()
    assert len(asyncio.all_tasks()) == 1
