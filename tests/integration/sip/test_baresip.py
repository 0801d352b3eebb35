"""Calls from a phone with another stack (baresip, libre), over every transport; over TLS it checks our certificate."""

import asyncio
import sys
from pathlib import Path

import pytest

from channels.voice.sip.events import Confirmed, Ended, Event, Invited
from channels.voice.sip.wire import Transport
from tests.integration.sip.certificates import Authority
from tests.integration.sip.line import Line, a_line, sdp

PHONE = Path(__file__).parent / "phone_process.py"

pytest.importorskip("baresip", reason="baresip-python has no wheel for this machine")


def answer_soon(line: Line, event: Event) -> None:
    """Ring first: the phone's own library misses an answer that comes at once."""
    if isinstance(event, Invited):
        line.agent.ring(event.call, line.now)
        asyncio.get_running_loop().call_later(0.3, answer, line, event.call)


def answer(line: Line, call: str) -> None:
    line.agent.answer(call, sdp(), line.now)
    line.transport.flush()


async def dial(line: Line, transport: Transport, authority: Path) -> list[str]:
    """What the phone says."""
    target = f"sip:support@127.0.0.1:{line.port(transport)};transport={transport}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PHONE), target, transport, str(authority), stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return output.decode().split("\n")[:-1]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_phone_calls_us(transport: Transport, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with a_line((transport,), tls=authority.issue("127.0.0.1")) as line:
        line.on_event = lambda event: answer_soon(line, event)
        assert await dial(line, transport, authority.path) == ["established", "hung up"]
        assert len(line.of(Confirmed)) == 1
        assert [(ended.cause, ended.by) for ended in line.of(Ended)] == [("bye", "remote")]
        assert line.of(Invited)[0].source.transport == transport
        await line.until_idle()


async def test_phone_refuses_a_certificate_that_it_does_not_trust(tmp_path: Path) -> None:
    ours, another = Authority(tmp_path, "ours"), Authority(tmp_path, "another")
    async with a_line(("tls",), tls=ours.issue("127.0.0.1")) as line:
        said = await dial(line, "tls", another.path)
        assert len(said) == 1
        assert said[0].startswith("failed")
        assert not line.events
