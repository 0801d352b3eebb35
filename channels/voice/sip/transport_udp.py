"""One UDP socket that carries SIP."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol, cast

RECEIVE_BUFFER = 4 * 1024 * 1024  # so that a flood of strangers does not push out the trunks' datagrams
SEND_BUFFER = 1024 * 1024


class DatagramOwner(Protocol):
    def datagram_came(self, flow: str, data: bytes, host: str, port: int) -> None: ...


class _Datagrams(Protocol):
    """What asyncio's and uvloop's transports have in common, beyond asyncio.DatagramTransport."""

    def sendto(self, data: bytes, addr: tuple[str, int]) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...


class UdpSocket(asyncio.DatagramProtocol):
    """What the kernel does not take at once waits, up to SEND_BUFFER; what is beyond is lost, as on any wire."""

    def __init__(self, owner: DatagramOwner, flow: str, version: int) -> None:
        self.flow, self.version = flow, version
        self._owner = owner
        self._transport: _Datagrams | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(_Datagrams, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._owner.datagram_came(self.flow, data, addr[0], addr[1])

    def error_received(self, exc: Exception) -> None:
        """An ICMP error of some destination; it may be forged, and the transactions notice silence by themselves."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def send(self, data: bytes, host: str, port: int) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() < SEND_BUFFER:
            transport.sendto(data, (host, port))
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def udp_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError."""
    sock = bound_socket(socket.SOCK_DGRAM, host, port)
    for option, size in ((socket.SO_RCVBUF, RECEIVE_BUFFER), (socket.SO_SNDBUF, SEND_BUFFER)):
        sock.setsockopt(socket.SOL_SOCKET, option, size)
    return sock


def bound_socket(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    """Without waiting; IPv6 sockets take IPv6 only, so that both versions can have the same port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{error.strerror}: {host} port {port}") from error
    return sock
