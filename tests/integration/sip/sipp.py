"""SIPp as the other side: its own scenarios, or ours (scenarios.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.sip.line import free_port
from tests.peers import require

PROC_NET = Path("/proc/net")


@dataclass
class Sipp:
    process: asyncio.subprocess.Process
    port: int
    folder: Path

    async def finish(self) -> None:
        """Wait until it has done its calls; what went wrong in any of them is raised."""
        output, _ = await self.process.communicate()
        if self.process.returncode != 0:
            errors = "\n".join(path.read_text(errors="replace")[-3_000:] for path in self.folder.glob("*errors*.log"))
            raise AssertionError(f"SIPp exit code {self.process.returncode}\n{errors}\n{output.decode()[-3_000:]}")


@asynccontextmanager
async def sipp(
    folder: Path,
    scenario: str,
    target: str = "",
    *options: str,
    host: str = "127.0.0.1",
    port: int | None = None,
) -> AsyncIterator[Sipp]:
    """`scenario` is the name of one of SIPp's own ("uac", "uas"), or a file's path."""
    port = port or free_port(host)
    source: Sequence[str] = ("-sf", scenario) if scenario.endswith(".xml") else ("-sn", scenario)
    process = await asyncio.create_subprocess_exec(
        str(require("sipp")),
        *source,
        *([target] if target else []),
        *("-i", f"[{host}]" if ":" in host else host, "-p", str(port), "-trace_err", "-nostdin"),
        *options,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        while process.returncode is None and not _is_taken(port):
            await asyncio.sleep(0.02)
        peer = Sipp(process, port, folder)
        if process.returncode:
            await peer.finish()
        yield peer
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _is_taken(port: int) -> bool:
    """SIPp has its socket (Linux)."""
    local = f":{port:04X}"
    return any(
        line.split()[1].endswith(local)
        for table in ("udp", "udp6", "tcp", "tcp6")
        for line in (PROC_NET / table).read_text().splitlines()
    )
