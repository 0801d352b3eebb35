"""What a check finds: a line of `contacthub check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from hub.config_email import Email
from hub.config_mail import Mailbox
from hub.config_rows import Trunk
from hub.config_voice import Voice


class Finding(Struct, frozen=True):
    """One line. What is only `advice` does not fail the check."""

    name: str
    ok: bool
    text: str
    advice: bool = False


TrunkCheck = Callable[[Voice, Mapping[str, Trunk]], list[Finding]]
"""Looks at hub.toml's trunks and at the rows, by id."""


class Kept(Struct, frozen=True):
    """Where a hub that has run keeps what it was given, and with what that is sealed."""

    store_url: str
    secret: bytes


MailCheck = Callable[[Email, Mapping[str, Mailbox], Kept | None], list[Finding]]
"""Looks at the mailboxes, by id."""


class Checks(Struct, frozen=True):
    """What the channels look at."""

    trunks: TrunkCheck
    mail: MailCheck
