"""INVITEs by the thousand from a source that is not allowed, while a trunk calls: memory stays, every call comes.

`FLOOD_S=30 pytest tests/integration/sip/test_flood.py -s` runs as long as one likes and prints what was measured.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from channels.voice.sip.events import Confirmed, Ended, Invited
from channels.voice.sip.gate import Rule
from tests.integration.sip.line import Line, a_line
from tests.integration.sip.sipp import sipp

SECONDS = int(os.environ.get("FLOOD_S", "4"))
RATE = 1_000

# A process of its own, so that its work is not counted as ours. Each INVITE is another call from another port.
FLOODER = """
import socket, sys, time
port, rate, seconds = map(int, sys.argv[1:])
sockets = []
for _ in range(50):
    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sockets[-1].bind(("127.0.0.2", 0))
begun = time.monotonic()
for number in range(rate * seconds):
    message = (
        f"INVITE sip:support@127.0.0.1 SIP/2.0\\r\\nVia: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK{number}\\r\\n"
        f"From: <sip:a@127.0.0.2>;tag={number}\\r\\nTo: <sip:support@127.0.0.1>\\r\\nCall-ID: flood{number}\\r\\n"
        "CSeq: 1 INVITE\\r\\nContact: <sip:a@127.0.0.2>\\r\\nMax-Forwards: 70\\r\\nContent-Length: 0\\r\\n\\r\\n"
    )
    sockets[number % 50].sendto(message.encode(), ("127.0.0.1", port))
    wait = begun + number / rate - time.monotonic()
    if wait > 0:
        time.sleep(wait)
"""


class Flood:
    """Runs while the block does; the growth of our memory and what our process needed are measured in it."""

    def __init__(self, line: Line) -> None:
        self.line = line

    async def __aenter__(self) -> Flood:
        gc.collect()
        self._us = psutil.Process()
        self._rss = self._us.memory_info().rss
        self._cpu, self._begun = time.process_time(), time.monotonic()
        arguments = (str(self.line.port("udp")), str(RATE), str(SECONDS))
        self._process = await asyncio.create_subprocess_exec(sys.executable, "-c", FLOODER, *arguments)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            await self._process.wait()
        gc.collect()
        self.grown = self._us.memory_info().rss - self._rss
        self.cpu = (time.process_time() - self._cpu) / (time.monotonic() - self._begun)


async def test_flood_of_strangers_costs_next_to_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.2", 0))
    except OSError:
        pytest.skip("this machine has only one loopback address")
    async with a_line(("udp",), rules=[Rule("trunk", ("127.0.0.1",), trusted=True)]) as line:
        line.on_event = line.answering
        calls = SECONDS * 5
        options = ("-m", str(calls), "-r", "5", "-d", "100", "-trace_stat", "-fd", "1", "-trace_rtt", "-rtt_freq", "1")
        async with sipp(tmp_path, "uac", f"127.0.0.1:{line.port('udp')}", "-m", "5", "-d", "10") as peer:
            await peer.finish()  # what is loaded with the first calls is no growth
        async with Flood(line) as flood, sipp(tmp_path, "uac", f"127.0.0.1:{line.port('udp')}", *options) as peer:
            await peer.finish()
        times = sorted(
            float(row.split(";")[1])
            for path in tmp_path.glob("*rtt.csv")
            for row in path.read_text().splitlines()[1:]
            if row.count(";") >= 2
        )
        with capsys.disabled():
            print(
                f"\n{line.gate.strangers} of {RATE * SECONDS} INVITEs dropped, {100 * flood.cpu:.1f} % CPU, memory "
                f"grew by {flood.grown // 1024} kB, {calls} calls: longest set-up {times[-1] if times else None} ms"
            )
        assert line.gate.strangers > 0.9 * RATE * SECONDS
        assert len(line.of(Invited)) == len(line.of(Confirmed)) == len(line.of(Ended)) == calls + 5
        assert flood.grown < 8_000_000
        assert line.transport.counts["received"] < 10 * (calls + 5)


def test_flooder_sends_what_it_says() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        port = sink.getsockname()[1]
        subprocess.run([sys.executable, "-c", FLOODER, str(port), "20", "1"], check=True)
        sink.setblocking(False)
        assert sum(sink.recv(2_000).startswith(b"INVITE") for _ in range(20)) == 20
