"""What a packet costs in the media plane: N calls of two plain legs, bridged and recorded, in one worker process.

    python -m bench.media --calls 50 --seconds 20 [--no-record] [--mix]

Prints the worker's CPU time for each packet in and out, the delay that it adds, and the losses. Each packet carries
the time at which it was sent; sender and receiver are this process. On a machine that does other work the delays say
little, the CPU time still does. When mixing, delays cannot be told.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import struct
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil
import uvloop

from hub.media import Hear, RecordingOptions, RtpOptions
from webrtc.engine import EmbeddedMedia
from webrtc.settings import MediaSettings

HEADER = struct.Struct("!BBHIId")
PAD = bytes(152)


class Load(asyncio.DatagramProtocol):
    """One telephone: sends 50 packets a second, keeps how long each one from the other took (s)."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.target = ("", 0)
        self.sent = 0
        self.delays: list[float] = []
        self.got = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        if len(data) == 172:
            self.got += 1
            self.delays.append(time.monotonic() - HEADER.unpack_from(data)[5])

    def send(self) -> None:
        n = self.sent
        self.sent += 1
        assert self._transport is not None
        head = HEADER.pack(0x80, 0, n & 0xFFFF, 160 * n & 0xFFFFFFFF, self.number, time.monotonic())
        self._transport.sendto(head + PAD, self.target)


def take(load: Load) -> Load:
    return load


async def run(calls: int, seconds: float, record: bool, mix: bool) -> None:
    engine = EmbeddedMedia(MediaSettings(host="127.0.0.1", ports=(40_000, 49_999)), 1, calls_each=10_000)
    await engine.start()
    loop = asyncio.get_running_loop()
    loads: list[Load] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(calls):
            for leg in ("customer", "agent"):
                load = Load(len(loads))
                await loop.create_datagram_endpoint(partial(take, load), local_addr=("127.0.0.1", 0))
                offer = (
                    f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                    f"m=audio {load.port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
                )
                answer = await engine.rtp_leg(f"call{n}", leg, RtpOptions(), offer)
                load.target = ("127.0.0.1", int(answer.split("m=audio ")[1].split()[0]))
                loads.append(load)
            both = ("customer", "agent")
            await engine.hear(f"call{n}", "customer", Hear(both if mix else ("agent",)))
            await engine.hear(f"call{n}", "agent", Hear(both if mix else ("customer",)))
            if record:
                path = str(Path(folder) / f"{n}.wav")
                await engine.record(f"call{n}", RecordingOptions("r", path, "customer", "agent"))
        worker = psutil.Process(engine.places[0].pid)
        beat = 0.02 / len(loads)
        begun = time.monotonic()
        settled = None
        n = 0
        while (now := time.monotonic()) < begun + seconds + 2:
            if settled is None and now > begun + 2:
                settled = (now, sum(worker.cpu_times()[:2]), sum(load.got for load in loads))
                for load in loads:
                    load.delays.clear()
            while begun + n * beat <= now:
                loads[n % len(loads)].send()
                n += 1
            await asyncio.sleep(0.0005)
        assert settled is not None
        measured = (time.monotonic(), sum(worker.cpu_times()[:2]), sum(load.got for load in loads))
        passed, cpu, packets = (after - before for after, before in zip(measured, settled, strict=True))
        await asyncio.sleep(0.5)
        sent, got = sum(load.sent for load in loads), sum(load.got for load in loads)
        size = worker.memory_info().rss / 2**20
        print(
            f"{calls} calls, {packets / passed:,.0f} packets/s in and out: CPU {100 * cpu / passed:.1f} % of a core, "
            f"{100 * cpu / passed / calls:.2f} % a call, {1e6 * cpu / packets:.1f} us a packet, "
            f"lost {max(0, sent - got)} of {sent}, memory {size:.0f} MiB"
        )
        if not mix:
            delays = sorted(1000 * delay for load in loads for delay in load.delays)
            print(f"delay p50 {statistics.median(delays):.2f} ms, p99 {delays[len(delays) * 99 // 100]:.2f} ms")
        await engine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--mix", action="store_true", help="mix instead of passing through")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(options.calls, options.seconds, not options.no_record, options.mix))


if __name__ == "__main__":
    main()
