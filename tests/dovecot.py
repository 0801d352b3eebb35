"""A Dovecot of a test's own: an IMAP server on free ports of the loopback, with its mail in a temporary folder."""

from __future__ import annotations

import getpass
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers import require
from tests.ports import free_port

START_S = 20.0
PASSWORD = "correct horse ü"

CONFIG = """
base_dir = {run}
state_dir = {run}
log_path = {folder}/dovecot.log
auth_verbose = yes
protocols = imap
ssl = {ssl}
{tls}
disable_plaintext_auth = no
auth_mechanisms = plain login {mechanisms}
mail_location = maildir:{folder}/mail/%n
mail_max_userip_connections = {connections}
imap_idle_notify_interval = 10 mins
first_valid_uid = {uid}
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/users
}}
{oauth}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
{more}
"""


@dataclass
class Dovecot:
    """`user` is support@mail.test; `more_users` have mailboxes too, and the same password. They are Maildirs in the
    folder `mail`. The ports stay the same over restarts."""

    certificate: Path | None = None
    key: Path | None = None
    token_info: str = ""  # an address that tells whose token one is
    connections: int = 20
    more: str = ""
    more_users: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    # Not among pytest's folders, which are root's alone, and whose names are too long for sockets.
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp")))

    user = "support"

    def start(self) -> Dovecot:
        program = require("dovecot")
        run = self.folder / "run"
        run.mkdir(exist_ok=True)
        me = pwd.getpwnam(getpass.getuser())
        owner = pwd.getpwnam("nobody") if me.pw_uid == 0 else me
        (self.folder / "mail").mkdir(exist_ok=True)
        users = "".join(f"{name}:{PASSWORD}\n" for name in (self.user, *self.more_users))
        (self.folder / "users").write_text(users, "utf-8")
        oauth = ""
        if self.token_info:
            (self.folder / "oauth.conf").write_text(
                f"tokeninfo_url = {self.token_info}\nintrospection_mode = auth\n"
                "username_attribute = email\nusername_format = %n\n"
            )
            oauth = f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {self.folder}/oauth.conf\n}}"
        if me.pw_uid == 0:
            for path in (self.folder, run, self.folder / "mail"):
                path.chmod(0o755)
            os.chown(self.folder / "mail", owner.pw_uid, owner.pw_gid)
        config = self.folder / "dovecot.conf"
        config.write_text(
            CONFIG.format(
                folder=self.folder,
                run=run,
                ssl="yes" if self.certificate else "no",
                tls=f"ssl_cert = <{self.certificate}\nssl_key = <{self.key}" if self.certificate else "",
                mechanisms="xoauth2" if self.token_info else "",
                connections=self.connections,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                user="dovecot" if me.pw_uid == 0 else me.pw_name,
                group="dovecot" if me.pw_uid == 0 else str(me.pw_gid),
                port=self.port,
                tls_port=self.tls_port,
                oauth=oauth,
                more=self.more,
            )
        )
        self.process = subprocess.Popen([program, "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"dovecot ended: {self.log}"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"dovecot does not answer: {self.log}")

    @property
    def log(self) -> str:
        path = self.folder / "dovecot.log"
        return path.read_text("utf-8", "replace") if path.exists() else "nothing logged"

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def remove(self) -> None:
        """Stops it and takes its mail away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what a test does to the mailbox ------------------------------------------------------------------------------

    def box(self, user: str = user) -> imaplib.IMAP4:
        box = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        box.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
        return box

    def put(self, *raws: bytes, folder: str = "INBOX") -> None:
        """Mails lie there."""
        box = self.box()
        if folder != "INBOX":
            box.create(folder)
        for raw in raws:
            kind, told = box.append(folder, "", imaplib.Time2Internaldate(time.time()), raw)
            assert kind == "OK", told
        box.logout()

    def mails(self, user: str) -> list[bytes]:
        """What lies in somebody's inbox."""
        box = self.box(user)
        box.select(readonly=True)
        found = box.fetch("1:*", "(RFC822)")[1]
        box.logout()
        return [each[1] for each in found if isinstance(each, tuple)]

    def flags(self, folder: str = "INBOX") -> list[bytes]:
        """Of each mail in the folder, what is marked."""
        box = self.box()
        box.select(folder, readonly=True)
        kind, found = box.fetch("1:*", "(FLAGS)")
        box.logout()
        return [each for each in found if isinstance(each, bytes)] if kind == "OK" else []

    def count(self, folder: str = "INBOX") -> int:
        box = self.box()
        kind, found = box.select(folder, readonly=True)
        box.logout()
        return int(found[0] or b"0") if kind == "OK" else 0
