"""rtpengine in user space with its ng protocol: what `bench/voice.py` compares our media plane with."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port


def encode(value: Any) -> bytes:
    """Bencoding (BEP 3)."""
    match value:
        case bytes():
            return b"%d:%s" % (len(value), value)
        case str():
            return encode(value.encode())
        case int():
            return b"i%de" % value
        case list():
            return b"l" + b"".join(map(encode, value)) + b"e"
        case dict():
            return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"
    raise TypeError(f"{type(value)} cannot be encoded")


def decode(data: bytes, at: int = 0) -> tuple[Any, int]:
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        found, at = [], at + 1
        while data[at : at + 1] != b"e":
            value, at = decode(data, at)
            found.append(value)
        return (found if kind == b"l" else dict(zip(found[::2], found[1::2], strict=True))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end], end


class RtpEngine(asyncio.DatagramProtocol):
    """One rtpengine; `pid` is its process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._transport: Any = None
        self._waiting: dict[bytes, asyncio.Future[dict[bytes, Any]]] = {}
        self._cookies = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        cookie, _, rest = data.partition(b" ")
        future = self._waiting.pop(cookie, None)
        if future is not None and not future.done():
            future.set_result(decode(rest)[0])

    async def ask(self, command: str, **values: Any) -> dict[bytes, Any]:
        """`values` with underscores for hyphens. Asked again until answered, as the protocol is UDP."""
        self._cookies += 1
        cookie = b"%d" % self._cookies
        future = self._waiting[cookie] = asyncio.get_running_loop().create_future()
        body = {"command": command} | {name.replace("_", "-"): value for name, value in values.items()}
        while True:
            self._transport.sendto(cookie + b" " + encode(body))
            try:
                async with asyncio.timeout(1):
                    reply: dict[bytes, Any] = await asyncio.shield(future)
            except TimeoutError:
                continue
            if reply[b"result"] in (b"error", b"warning"):
                raise RuntimeError(f"rtpengine: {reply}")
            return reply

    async def web_and_plain(self, call: str, offer: str, plain_port: int, *, record: bool = False) -> tuple[str, int]:
        """Connects a browser's offer with a telephone at a port: the browser's answer, and the telephone's target."""
        towards_phone = await self.ask(
            "offer",
            call_id=call,
            from_tag="web",
            sdp=offer,
            transport_protocol="RTP/AVP",
            ICE="remove",
            rtcp_mux=["demux"],
            replace=["origin"],
            codec={"strip": ["opus", "PCMA", "CN"]},
            record_call="yes" if record else "no",
        )
        port = int(next(line.split()[1] for line in towards_phone[b"sdp"].decode().splitlines() if "m=audio" in line))
        answer = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {plain_port} RTP/AVP 0 126\r\na=rtpmap:126 telephone-event/8000\r\n"
        )
        towards_web = await self.ask("answer", call_id=call, from_tag="web", to_tag="plain", sdp=answer, ICE="force")
        return towards_web[b"sdp"].decode(), port


def installed() -> str | None:
    return shutil.which("rtpengine")


@asynccontextmanager
async def open_rtpengine(folder: Path, first: int, last: int) -> AsyncIterator[RtpEngine]:
    """`first` to `last` are its media ports. One thread for packets: one core, as for a worker of ours."""
    port = free_port()
    program = installed()
    assert program is not None
    with (folder / "rtpengine.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                "--config-file=none",
                "--foreground",
                "--table=-1",
                "--interface=127.0.0.1",
                f"--listen-ng=127.0.0.1:{port}",
                f"--port-min={first}",
                f"--port-max={last}",
                "--num-threads=1",
                f"--recording-dir={folder}",
                "--recording-method=pcap",
                "--recording-format=raw",
                "--log-level=3",
                "--log-stderr",
                f"--pidfile={folder / 'rtpengine.pid'}",
            ],
            stdout=log,
            stderr=log,
        )
        loop = asyncio.get_running_loop()
        transport, engine = await loop.create_datagram_endpoint(
            lambda: RtpEngine(process.pid), remote_addr=("127.0.0.1", port)
        )
        try:
            await engine.ask("ping")
            if hasattr(os, "setpriority"):
                os.setpriority(os.PRIO_PROCESS, process.pid, -10)
            yield engine
        finally:
            transport.close()
            process.terminate()
            process.wait()
