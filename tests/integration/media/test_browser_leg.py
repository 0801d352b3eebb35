"""Chromium and a plain telephone in one call: who hears whom, keys, a reload, and who is not let in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.media.browser import open_browser
from tests.integration.media.calls import open_call

AGENT, CUSTOMER = 440, 1000


async def test_browser_and_telephone_hear_each_other(tmp_path: Path) -> None:
    async with open_call(CUSTOMER) as call, open_browser(tmp_path, AGENT) as browser:
        leg, listener, answer = await call.answer(await browser.offer())
        await browser.accept(answer)
        await listener.is_connected.wait()
        await browser.until_hears(CUSTOMER)
        await call.phone.until_hears(AGENT)
        assert await browser.hears(AGENT) < 0.01
        assert call.phone.hears(CUSTOMER) < 0.01
        # Long enough for reports in both directions.
        while leg.stats(0).round_trip_ms is None:
            await browser.page.wait_for_timeout(100)
        figures = await browser.figures()
        inbound = figures["inbound-rtp"]
        assert inbound["packetsLost"] == 0
        assert figures["remote-inbound-rtp"]["packetsLost"] == 0
        stats = leg.stats(0)
        assert (stats.codec, stats.lost, stats.remote_loss) == ("PCMU", 0, 0.0)
        assert stats.mos is not None and stats.mos > 4
        assert call.phone.missed == 0
        assert len(call.phone.ssrcs) == 1


async def test_keys_pass_in_both_directions(tmp_path: Path) -> None:
    async with open_call(CUSTOMER) as call, open_browser(tmp_path, AGENT) as browser:
        leg, listener, answer = await call.answer(await browser.offer())
        await browser.accept(answer)
        assert leg.events is not None and leg.events != leg.codec.payload_type
        await listener.is_connected.wait()
        await call.phone.until_hears(AGENT)
        await browser.press("159#")
        while len(call.phone.keys) < 4:
            await browser.page.wait_for_timeout(20)
        assert call.phone.keys == "159#"
        await browser.until_hears(CUSTOMER)
        # A browser plays the keys that it is sent: 770 and 1336 Hz are a 5.
        call.phone.press("5" * 1_000)
        await browser.until_hears(1336, 0.5)
        await browser.until_hears(770, 0.1)
        call.phone.pressing.clear()
        await browser.until_hears(CUSTOMER)


async def test_a_reloaded_browser_goes_on_within_the_call(tmp_path: Path) -> None:
    async with open_call(CUSTOMER) as call, open_browser(tmp_path, AGENT) as browser:
        first, _, answer = await call.answer(await browser.offer())
        await browser.accept(answer)
        await browser.until_hears(CUSTOMER)
        await call.phone.until_hears(AGENT)
        await browser.reload()
        second, listener, answer = await call.answer(await browser.offer())
        await first.close()
        await browser.accept(answer)
        await listener.is_connected.wait()
        await browser.until_hears(CUSTOMER)
        await call.phone.until_hears(AGENT)
        # The telephone has noticed nothing but a pause: one stream, no packet missing.
        assert len(call.phone.ssrcs) == 1
        assert call.phone.missed == 0
        assert second.incoming.lost == 0


async def test_hanging_up_in_the_browser_is_noticed(tmp_path: Path) -> None:
    async with open_call(CUSTOMER) as call, open_browser(tmp_path, AGENT) as browser:
        _, listener, answer = await call.answer(await browser.offer())
        await browser.accept(answer)
        await listener.is_connected.wait()
        await browser.hang_up()
        await listener.is_lost.wait()
        assert "browser" in listener.reason


@pytest.mark.parametrize("setup", ["actpass", "active"])
async def test_wrong_fingerprint_lets_no_audio_in(tmp_path: Path, setup: str) -> None:
    async with open_call(CUSTOMER) as call, open_browser(tmp_path, AGENT) as browser:
        offer = (await browser.offer()).replace("a=setup:actpass", f"a=setup:{setup}")
        at = offer.index("a=fingerprint:sha-256 ") + len("a=fingerprint:sha-256 ")
        other = "00" if offer[at : at + 2] != "00" else "01"
        leg, listener, answer = await call.answer(offer[:at] + other + offer[at + 2 :])
        await browser.accept(answer)
        await listener.is_lost.wait()
        assert "certificate" in listener.reason
        assert not listener.is_connected.is_set()
        sent = call.phone.sent
        while call.phone.sent < sent + 25:
            await browser.page.wait_for_timeout(20)
        assert leg.incoming.packets == 0
        assert call.phone.heard == b""
        # Nor does the browser get what the customer says.
        assert (
            "inbound-rtp" not in (figures := await browser.figures()) or not figures["inbound-rtp"]["packetsReceived"]
        )


async def test_a_browser_that_names_no_address_is_found_by_its_own_checks(tmp_path: Path) -> None:
    """Before the microphone is allowed browsers tell mDNS names only, which mean nothing beyond their network."""
    async with open_call(CUSTOMER) as call, open_browser(tmp_path, AGENT) as browser:
        offer = await browser.offer()
        lines = [line for line in offer.split("\r\n") if not line.startswith("a=candidate:")]
        _, listener, answer = await call.answer("\r\n".join(lines))
        await browser.accept(answer)
        await listener.is_connected.wait()
        await browser.until_hears(CUSTOMER)
        await call.phone.until_hears(AGENT)
