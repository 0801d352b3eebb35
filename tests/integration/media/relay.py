"""coturn on a free port of this machine, with credentials that come from a shared secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.peers import require
from tests.ports import free_port
from webrtc.turn import TurnSettings

SECRET = "between us and coturn"


@asynccontextmanager
async def open_relay(folder: Path) -> AsyncIterator[TurnSettings]:
    program, port = require("coturn"), free_port()
    log = folder / "coturn.log"
    config = folder / "coturn.conf"
    config.write_text(
        f"listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\n"
        f"use-auth-secret\nstatic-auth-secret={SECRET}\nrealm=hub.test\n"
        # Only here, where everybody is on one machine.
        "allow-loopback-peers\ncli-password=unused\nno-cli\nno-tls\nno-dtls\n"
        f"pidfile={folder / 'coturn.pid'}\nuserdb={folder / 'coturn.db'}\nlog-file=stdout\nsimple-log\nverbose\n"
    )
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            str(program), "-c", str(config), stdout=output, stderr=asyncio.subprocess.STDOUT
        )
        try:
            while True:
                assert process.returncode is None, log.read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
            yield TurnSettings(urls=(f"turn:127.0.0.1:{port}?transport=udp",), secret=SECRET, realm="hub.test")
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
