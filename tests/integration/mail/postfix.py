"""Debian's Postfix with a configuration, queue and mailboxes of the test's own, on loopback; the system's own instance
is not touched."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import require
from tests.ports import free_port

PATIENCE_S = 30.0

MAIN = """compatibility_level = 3.6
queue_directory = {at}/queue
data_directory = {at}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.peer.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_mynetworks, reject
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = inline:{{ {maps} }}
recipient_delimiter = +
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
{relays}
message_size_limit = 1000000
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
maillog_file = /dev/stdout
maillog_file_prefixes = /dev/stdout, {at}
smtputf8_enable = yes
{more}
"""

MASTER = """127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
flush     unix n - n 1000? 0 flush
smtp      unix - - n - - smtp
lmtp      unix - - n - - lmtp
relay     unix - - n - - smtp
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """`port` is where it takes mail."""

    folder: Path
    port: int

    def mails(self, name: str) -> list[bytes]:
        """What lies in the mailbox, the oldest first."""
        new = self.folder / "boxes" / name / "new"
        found = sorted(new.iterdir(), key=lambda path: path.stat().st_mtime_ns) if new.is_dir() else []
        return [path.read_bytes() for path in found]

    async def wait_for(self, name: str, count: int = 1) -> list[bytes]:
        async with asyncio.timeout(PATIENCE_S):
            while len(mails := self.mails(name)) < count:
                await asyncio.sleep(0.05)
        return mails


@asynccontextmanager
async def postfix(
    *,
    relay: dict[str, str] | None = None,
    more: str = "",
    people: tuple[str, ...] = ("clara@peer.example", "owner@peer.example"),
    boxes: Path | None = None,
) -> AsyncIterator[Postfix]:
    """A running Postfix. `relay` maps domains to where their mail goes, such as smtp:[127.0.0.1]:2525. `people` have
    Maildirs here, or in `boxes`, which must be "nobody"'s then."""
    require("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    # Its sockets' names must be short, and its users have to get there.
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir="/tmp"))
    process = None
    try:
        port = free_port()
        await asyncio.to_thread(_prepare, folder, port, relay or {}, more, people, boxes or folder / "boxes")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["/usr/sbin/postfix", "-c", str(folder / "etc"), "start-fg"], stdout=log, stderr=log
            )
        await asyncio.to_thread(_wait_until_it_answers, folder, process, port)
        yield Postfix(folder, port)
    except BaseException:
        print((folder / "log").read_text())  # pytest shows it with the failure
        raise
    finally:
        if process is not None:
            await asyncio.to_thread(_stop, folder, process)
        await asyncio.to_thread(shutil.rmtree, folder, True)


def _prepare(at: Path, port: int, relay: dict[str, str], more: str, people: tuple[str, ...], boxes: Path) -> None:
    at.chmod(0o755)
    user = pwd.getpwnam("nobody")
    for name in ("etc", "queue", "data", "boxes"):
        (at / name).mkdir(mode=0o755)
    shutil.chown(at / "data", "postfix")
    os.chown(at / "boxes", user.pw_uid, user.pw_gid)
    ways = ", ".join(f"{domain}={where}" for domain, where in relay.items())
    relays = f"transport_maps = inline:{{ {ways} }}\nrelay_domains = {', '.join(relay)}" if relay else ""
    domains = ", ".join(sorted({address.rpartition("@")[2] for address in people}))
    maps = ", ".join(f"{address}={address.partition('@')[0]}/" for address in people)
    main = MAIN.format(
        at=at, uid=user.pw_uid, gid=user.pw_gid, domains=domains, boxes=boxes, maps=maps, relays=relays, more=more
    )
    (at / "etc" / "main.cf").write_text(main)
    (at / "etc" / "master.cf").write_text(MASTER.format(port=port))
    for name in ("postfix-files", "dynamicmaps.cf"):
        shutil.copy(Path("/etc/postfix") / name, at / "etc" / name)
    for name in ("postfix-files.d", "dynamicmaps.cf.d"):
        (at / "etc" / name).mkdir()


def _wait_until_it_answers(at: Path, process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, (at / "log").read_text()
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
                smtp.noop()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError((at / "log").read_text())


def _stop(at: Path, process: subprocess.Popen[bytes]) -> None:
    subprocess.run(["/usr/sbin/postfix", "-c", str(at / "etc"), "stop"], capture_output=True, timeout=20, check=False)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
