"""A hub that kills itself (SIGKILL) at a point on a mail's way that a test has named: `python -m ... ARGUMENTS`.

The file in CONTACTHUB_TEST_DIES names the point; it is gone once the hub died there, so that the next one lives.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import server
from channels.email import filing
from channels.email.outbox import Outbox
from channels.email.receive import Receiver
from channels.email.smtp_in import SmtpServer
from channels.email.smtp_out import Smtp

ARMED = Path(os.environ["CONTACTHUB_TEST_DIES"])
BEFORE = {
    "parsed": (Receiver, "_create"),
    "unfiled": (filing, "file"),
    "queued": (Outbox, "_try"),
    "claimed": (Smtp, "send"),
}
AFTER = {
    "committed": (SmtpServer, "handle_DATA"),
    "filed": (filing, "file"),
    "sent": (Smtp, "send"),
}


def die_at(point: str) -> None:
    if ARMED.exists() and ARMED.read_text() == point:
        ARMED.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def mined(real: Callable[..., Any], before: str = "", after: str = "") -> Callable[..., Any]:
    async def work(*arguments: Any, **named: Any) -> Any:
        die_at(before)
        found = await real(*arguments, **named)
        die_at(after)
        return found

    return work


if __name__ == "__main__":
    for point, (owner, name) in BEFORE.items():
        setattr(owner, name, mined(getattr(owner, name), before=point))
    for point, (owner, name) in AFTER.items():
        setattr(owner, name, mined(getattr(owner, name), after=point))
    raise SystemExit(server.main())
