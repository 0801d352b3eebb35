"""The process that takes mails apart: `mail.worker` starts it, sends it mails, and kills it when one takes too long.

What they say to each other stands in `mail.worker_messages`.
"""

from __future__ import annotations

import os
import resource
import socket
from contextlib import suppress

import msgspec

from mail import language
from mail.limits import Problem
from mail.parse import headers_only, parse
from mail.worker_messages import LENGTH, Begin, Done, Job

_MOST_FILES = 64
_NICENESS = 5
_WARM_UP = (
    b"From: a@example.com\r\nSubject: =?utf-8?q?=C3=A4?=\r\nContent-Type: text/html\r\n\r\n"
    b"<p style='color:red'>\xcf\xf0\xe8\xe2\xe5\xf2, \xe3\xe4\xe5 \xec\xee\xe9 \xe7\xe0\xea\xe0\xe7?</p>"
)


def main(descriptor: int) -> None:
    with socket.socket(fileno=descriptor) as connection, suppress(EOFError, ConnectionError):
        connection.setblocking(True)
        begin = msgspec.msgpack.decode(_message(connection), type=Begin)
        language.warm_up()
        parse(_WARM_UP)
        _confine(begin)
        connection.sendall(LENGTH.pack(0))
        while True:
            job = msgspec.msgpack.decode(_message(connection), type=Job)
            if not _work(connection, job, begin):
                return


def _work(connection: socket.socket, job: Job, begin: Begin) -> bool:
    """One mail; false when the next one is another worker's."""
    _allow_cpu(begin.seconds)
    last = False
    raw = _bytes(connection, job.size)
    try:
        if job.only_headers is not None:
            mail = headers_only(raw, job.only_headers, begin.limits)
        else:
            mail = parse(raw, begin.limits)
    except MemoryError:
        # What the mail left behind in pieces is best given back by ending.
        last = True
        mail = headers_only(raw[: begin.limits.header_block], Problem.MEMORY, begin.limits)
    contents = [attachment.data for attachment in mail.attachments]
    bare = tuple(msgspec.structs.replace(attachment, data=b"") for attachment in mail.attachments)
    done = Done(msgspec.structs.replace(mail, attachments=bare), tuple(map(len, contents)), last)
    message = msgspec.msgpack.encode(done)
    connection.sendall(LENGTH.pack(len(message)) + message)
    for content in contents:
        connection.sendall(content)
    return not last


def _confine(begin: Begin) -> None:
    """A worker opens, writes and starts nothing any more, and holds only so much."""
    resource.setrlimit(resource.RLIMIT_DATA, (begin.memory, begin.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))
    # People who wait for an answer go first.
    os.nice(_NICENESS)


def _allow_cpu(seconds: float) -> None:
    """Beyond that the system ends this process, even if it is in the midst of C code, or its hub is gone."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1  # whole seconds only
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _message(connection: socket.socket) -> bytes:
    return _bytes(connection, LENGTH.unpack(_bytes(connection, LENGTH.size))[0])


def _bytes(connection: socket.socket, size: int) -> bytes:
    """Exactly so many; EOFError when the hub is gone."""
    # In one piece: of pieces and the whole there would be twice as much for a moment.
    received = connection.recv(size, socket.MSG_WAITALL) if size else b""
    if len(received) < size:
        raise EOFError
    return received
