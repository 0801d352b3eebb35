"""A telephone and Chromium in a call of the media engine as a whole: worker, bridge, keys, recording, reload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hub.media import Connected, Digit, Lost, Recorded, RecordingOptions, WebOptions
from tests.integration.media.browser import open_browser
from tests.integration.media.exchange import SETTINGS, Exchange, channels, holds, open_exchange
from tests.integration.media.phone import open_phone

AGENT, CUSTOMER = 440, 1000


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange(settings=msgspec.structs.replace(SETTINGS, loopback=True)) as made:
        yield made


async def test_a_call_from_its_answer_to_its_recording(exchange: Exchange, tmp_path: Path) -> None:
    media, recording = exchange.engine, tmp_path / "call.wav"
    async with open_phone(CUSTOMER) as phone, open_browser(tmp_path, AGENT) as browser:
        await exchange.join("call", "customer", phone)
        await browser.accept(await media.web_leg("call", "agent", WebOptions(), await browser.offer()))
        await exchange.bridge("call")
        await browser.until_hears(CUSTOMER)
        await phone.until_hears(AGENT)
        await media.record("call", RecordingOptions("r", str(recording), "customer", "agent"))
        await browser.press("7")
        digit = await exchange.until_told(Digit)
        assert (digit.leg, digit.digit) == ("agent", "7")
        while phone.keys != "7":
            await asyncio.sleep(0.01)

        await browser.reload()
        exchange.events.clear()
        await browser.accept(await media.web_leg("call", "agent", WebOptions(), await browser.offer()))
        await exchange.bridge("call")
        assert (await exchange.until_told(Connected)).leg == "agent"
        await browser.until_hears(CUSTOMER)
        await phone.until_hears(AGENT)
        assert len(phone.ssrcs) == 1
        assert phone.missed == 0
        stats = await media.stats("call")
        assert {name: (found.codec, found.lost) for name, found in stats.items()} == {
            "customer": ("PCMU", 0),
            "agent": ("PCMU", 0),
        }
        await media.stop_recording("call", "r")
        await exchange.until_told(Recorded)
        exchange.events.clear()
        await browser.hang_up()
        assert (await exchange.until_told(Lost)).leg == "agent"
    left, right = channels(recording.read_bytes())
    assert holds(left[-8000:], CUSTOMER) > 0.8
    assert holds(right[-8000:], AGENT) > 0.8


@pytest.mark.parametrize("codec", ["opus", "G722", "PCMA"])
async def test_two_browsers_hear_each_other_in_any_codec(exchange: Exchange, tmp_path: Path, codec: str) -> None:
    media, options = exchange.engine, WebOptions(codecs=(codec,))
    async with open_browser(tmp_path, AGENT) as agent, open_browser(tmp_path, CUSTOMER) as customer:
        for name, browser in (("agent", agent), ("customer", customer)):
            await browser.accept(await media.web_leg("call", name, options, await browser.offer()))
        await exchange.bridge("call")
        await agent.until_hears(CUSTOMER)
        await customer.until_hears(AGENT)
        assert {found.codec for found in (await media.stats("call")).values()} == {codec}
        assert (await agent.figures())["inbound-rtp"]["packetsLost"] == 0
