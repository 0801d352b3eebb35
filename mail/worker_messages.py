"""What the hub and a process that takes mails apart say to each other, over a socket: msgpack, each after its length.

`Begin` first, answered by a length of 0; then per mail a `Job` and the mail's bytes, answered by `Done` and the
attachments' bytes. The hub imports this and not what the process needs.
"""

from __future__ import annotations

import struct

import msgspec
from msgspec import Struct

from mail.limits import Limits, Problem
from mail.model import Attachment, Mail

LENGTH = struct.Struct("!Q")


class Begin(Struct, frozen=True):
    limits: Limits
    memory: int
    seconds: float


class Job(Struct, frozen=True):
    """`size` bytes of a mail follow. With `only_headers` nothing but its head is read, for the reason given."""

    size: int
    only_headers: Problem | None = None


class Done(Struct, frozen=True):
    """The mail without its attachments' bytes, which follow in the order of `sizes`. `last`: the worker ends now."""

    mail: Mail
    sizes: tuple[int, ...]
    last: bool = False


def with_contents(done: Done, contents: list[bytes]) -> Mail:
    attachments: tuple[Attachment, ...] = tuple(
        msgspec.structs.replace(attachment, data=data)
        for attachment, data in zip(done.mail.attachments, contents, strict=True)
    )
    return msgspec.structs.replace(done.mail, attachments=attachments)
