"""Calls from and to SIPp over real sockets."""

from pathlib import Path

import pytest

from channels.voice.sip.events import Answered, Confirmed, Ended, Invited
from channels.voice.sip.wire import Transport
from tests.integration.sip.line import a_line
from tests.integration.sip.sipp import sipp

MODES: dict[Transport, str] = {"udp": "u1", "tcp": "t1"}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_sipp_calls_us(transport: Transport, host: str, tmp_path: Path) -> None:
    async with a_line((transport,), host=host) as line:
        line.on_event = line.answering
        target = f"{f'[{host}]' if ':' in host else host}:{line.port(transport)}"
        options = ("-t", MODES[transport], "-m", "20", "-r", "40", "-d", "50")
        async with sipp(tmp_path, "uac", target, *options, host=host) as peer:
            await peer.finish()
        assert len(line.of(Invited)) == len(line.of(Confirmed)) == len(line.of(Ended)) == 20
        assert {ended.by for ended in line.of(Ended)} == {"remote"}
        assert line.transport.counts["malformed"] == 0
        await line.until_idle()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_we_call_sipp(transport: Transport, host: str, tmp_path: Path) -> None:
    async with (
        a_line((transport,), host=host) as line,
        sipp(tmp_path, "uas", "", "-t", MODES[transport], "-m", "5", host=host) as peer,
    ):
        for number in range(1, 6):
            call = line.call(peer.port, transport)
            assert (await line.until(Answered, number)).sdp
            line.hang_up(call)
            assert (await line.until(Ended, number)).by == "local"
        await peer.finish()
        await line.until_idle()
