"""TLS of SIP connections: our certificate, read again when it is renewed, and whose certificate a trunk may show.

RFC 5922: the certificate has to be for the domain that was asked for, not for the server that DNS names. Beyond it a
wildcard counts for one label, since most telephone companies have such certificates.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from channels.voice.sip.wire import is_address

_log = structlog.get_logger("sip")

Stamp = tuple[tuple[int, int, int], ...]
"""Of files: node, size and time of change."""


class TlsFiles(Struct, frozen=True):
    """PEM files. `certificate` (with its chain) and `key` are ours, shown to phones and to trunks that ask. `ca` holds
    who may have signed a server's certificate, instead of the machine's list; `verify` off trusts any."""

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    verify: bool = True


class PeerTls(Struct, frozen=True):
    """Of one trunk: `names` are its domains, any of which its certificate may be for where an address alone was asked
    for. What `files` leaves open is as for everybody."""

    names: tuple[str, ...] = ()
    files: TlsFiles = TlsFiles()


class BadTls(Exception):
    """Files that cannot be used, or a certificate that is not right; says why, without the peer's address."""


class Certificates:
    """The contexts by which we listen and connect, made in threads as they are needed."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._peers: dict[str, PeerTls] = {}
        self._clients: dict[TlsFiles, tuple[Stamp, ssl.SSLContext]] = {}
        self._stamp: Stamp | None = None
        self.server: ssl.SSLContext | None = None
        """By which connections are taken; None without a certificate of ours."""

    def set_peers(self, peers: Mapping[str, PeerTls]) -> set[str]:
        """Those for which something else holds now."""
        changed = {name for name in {*peers, *self._peers} if peers.get(name) != self._peers.get(name)}
        self._peers = dict(peers)
        used = {self._files_of(peer) for peer in ("", *peers)}
        self._clients = {files: found for files, found in self._clients.items() if files in used}
        return changed

    async def load(self) -> None:
        """Our certificate, anew. Raises OSError, also ssl.SSLError; then the former stays."""
        await asyncio.to_thread(self._load)

    async def renew(self) -> None:
        """Take our certificate if its files have changed. While a new one is half written the former stays; connections
        that are up stay in any case."""
        try:
            if await asyncio.to_thread(self._renewed):
                _log.info("sip.certificate_renewed")
        except OSError as error:
            _log.warning("sip.certificate_unusable", error=str(error))

    async def client(self, peer: str) -> ssl.SSLContext:
        """For a connection to the trunk. Raises BadTls."""
        return await asyncio.to_thread(self._client, self._files_of(peer))

    def flaw(self, peer: str, asked: str, shown: ssl.SSLObject | None) -> str | None:
        """What is wrong with the certificate that is shown where `asked` (a name or an address) was called; None if
        nothing is. Who signed it was looked at before."""
        if not self._files_of(peer).verify:
            return None
        names = [asked]
        if is_address(asked):
            names += self._peers.get(peer, PeerTls()).names
        found: Mapping[str, Any] = (shown.getpeercert() if shown is not None else None) or {}
        if any(is_for(found, name) for name in names):
            return None
        theirs = ", ".join(value for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address"))
        return f"the certificate is for {theirs[:200] or 'nobody'}, not for {' or '.join(dict.fromkeys(names))}"

    def _files_of(self, peer: str) -> TlsFiles:
        own, known = self._files, self._peers.get(peer)
        if known is None:
            return own
        theirs = known.files
        pair = theirs if theirs.certificate is not None else own
        return TlsFiles(pair.certificate, pair.key, theirs.ca or own.ca, theirs.verify)

    def _load(self) -> None:
        files = self._files
        if files.certificate is None:
            return
        stamp = _stamp(files)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(files.certificate, files.key)
        # The last step, as a context into which half of a pair was read is of no more use.
        self.server, self._stamp = context, stamp

    def _renewed(self) -> bool:
        if self._files.certificate is None or _stamp(self._files) == self._stamp:
            return False
        self._load()
        return True

    def _client(self, files: TlsFiles) -> ssl.SSLContext:
        try:
            stamp = _stamp(files)
            known = self._clients.get(files)
            if known is not None and known[0] == stamp:
                return known[1]
            context = ssl.create_default_context(cafile=files.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.check_hostname = False  # `flaw` does it, which knows of SIP URIs and of a trunk's other names
            if not files.verify:
                context.verify_mode = ssl.CERT_NONE
            if files.certificate is not None:
                context.load_cert_chain(files.certificate, files.key)
        except ssl.SSLError as error:
            raise BadTls(f"a file of certificates cannot be used ({error.reason or error})") from None
        except OSError as error:
            raise BadTls(f"the file {Path(error.filename or '').name} cannot be read ({error.strerror})") from None
        self._clients = {kept: found for kept, found in self._clients.items() if kept != files}
        self._clients[files] = (stamp, context)
        return context


def reason(error: Exception) -> str:
    """Why a TLS connection came to nothing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return str(error) or type(error).__name__


def is_for(certificate: Mapping[str, Any], name: str) -> bool:
    """Whether a certificate, as `getpeercert` gives it, stands for a SIP domain or an address (RFC 5922 section 7)."""
    alternatives: Sequence[tuple[str, str]] = certificate.get("subjectAltName", ())
    if is_address(name):
        return any(
            kind == "IP Address" and is_address(value) and ip_address(value) == ip_address(name)
            for kind, value in alternatives
        )
    name = name.lower().rstrip(".")
    uris = [value.partition(":") for kind, value in alternatives if kind == "URI"]
    domains = [rest.lower() for scheme, _, rest in uris if scheme.lower() == "sip"]
    if domains:
        return name in domains
    return any(kind == "DNS" and _fits(value.lower().rstrip("."), name) for kind, value in alternatives)


def _fits(pattern: str, name: str) -> bool:
    if pattern.startswith("*."):
        label, _, rest = name.partition(".")
        return bool(label) and "." in rest and pattern[2:] == rest
    return pattern == name


def _stamp(files: TlsFiles) -> Stamp:
    found = [path.stat() for path in (files.certificate, files.key, files.ca) if path is not None]
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)
