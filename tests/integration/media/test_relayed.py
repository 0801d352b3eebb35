"""A browser that reaches nobody but the TURN server, with credentials that last for a call."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from tests.integration.media.browser import open_browser
from tests.integration.media.calls import SETTINGS, open_call
from tests.integration.media.relay import open_relay
from webrtc.turn import credentials, for_browser

AGENT, CUSTOMER = 440, 1000


async def test_a_call_through_the_relay_only(tmp_path: Path) -> None:
    async with (
        open_relay(tmp_path) as turn,
        open_call(CUSTOMER) as call,
        open_browser(tmp_path, AGENT) as browser,
    ):
        servers = for_browser((credentials(turn, "agent1", time.time()),))
        offer = await browser.offer(iceServers=servers, iceTransportPolicy="relay")
        found = [line for line in offer.splitlines() if line.startswith("a=candidate:")]
        assert found
        assert all(" typ relay " in line for line in found)
        _, listener, answer = await call.answer(offer)
        await browser.accept(answer)
        await listener.is_connected.wait()
        await browser.until_hears(CUSTOMER)
        await call.phone.until_hears(AGENT)
        assert call.phone.missed == 0
        assert (await browser.figures())["inbound-rtp"]["packetsLost"] == 0


async def test_credentials_that_are_over_or_forged_are_worth_nothing(tmp_path: Path) -> None:
    async with open_relay(tmp_path) as turn, open_browser(tmp_path, AGENT) as browser:
        over = credentials(turn, "agent1", time.time() - turn.lifetime_s - 1)
        forged = credentials(msgspec.structs.replace(turn, secret="another"), "agent1", time.time())
        for server in (over, forged):
            offer = await browser.offer(iceServers=for_browser((server,)), iceTransportPolicy="relay")
            assert "a=candidate:" not in offer
            await browser.reload()


async def test_our_own_side_has_an_address_at_the_relay(tmp_path: Path) -> None:
    """For networks that let nothing out but to the relay; the browser is told of no other address of ours."""
    async with (
        open_relay(tmp_path) as turn,
        open_call(CUSTOMER) as call,
        open_browser(tmp_path, AGENT) as browser,
    ):
        own = msgspec.structs.replace(
            SETTINGS, ice_servers=(credentials(turn, "hub", time.time()),), loopback=False, host="127.0.0.1"
        )
        _, listener, answer = await call.answer(await browser.offer(), own)
        lines = answer.split("\r\n")
        relayed = [line for line in lines if line.startswith("a=candidate:") and " typ relay " in line]
        assert len(relayed) == 1
        await browser.accept(
            "\r\n".join(line for line in lines if not line.startswith("a=candidate:") or line in relayed)
        )
        await listener.is_connected.wait()
        await browser.until_hears(CUSTOMER)
        await call.phone.until_hears(AGENT)
