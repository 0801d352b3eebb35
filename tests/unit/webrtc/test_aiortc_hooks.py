"""What webrtc/aiortc_hooks.py relies on below the public names of aiortc and aioice.

When one of these fails after an update of either, read the named place anew and adapt the hooks; until then every call
takes the slower way ("tap"). tests/integration/media shows that both ways carry audio and let nobody else in.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from importlib.metadata import version

import aioice.ice
import pytest
from aioice import Connection
from aioice.ice import CandidatePair, StunProtocol
from aiortc.rtcdtlstransport import RTCDtlsTransport

from webrtc.aiortc_hooks import IceLink, SecureLink, certificate, chosen_servers, missing
from webrtc.settings import IceServer, MediaSettings
from webrtc.web_leg import default_way


def test_the_versions_that_were_read() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")


def test_nothing_of_what_the_fast_way_stands_on_is_missing() -> None:
    assert missing() == ()
    assert default_way() == "fast"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        # A datagram goes through the protocol's method, and what is no STUN to data_received of the connection.
        (StunProtocol.datagram_received, ("self.receiver.data_received(data, self.local_candidate.component)",)),
        (Connection.data_received, ("self._queue.put_nowait((data, component))",)),
        # Candidates are gathered by the method that we replace, and kept in these lists.
        (Connection.gather_candidates, ("self.get_component_candidates(component=component, addresses=addresses)",)),
        (Connection.get_component_candidates, ("self._protocols += host_protocols", "protocol.local_candidate =")),
        # Media goes where the nominated pair points, at each packet anew.
        (Connection.sendto, ("self._nominated.get(component)", "active_pair.protocol.send_data", "remote_addr")),
        (StunProtocol.send_data, ("self.transport.sendto(data, addr)",)),
        (Connection.check_complete, ("self._nominated[pair.component] = pair",)),
        # Peers that have proven the password are among the remote candidates.
        (Connection.check_incoming, ("self._remote_candidates.append(remote_candidate)",)),
        (Connection.query_consent, ("return await self.close()", "CONSENT_INTERVAL")),
        # DTLS: what it needs of its transport, when keys come to be, and where the tap is.
        (RTCDtlsTransport.start, ("_validate_peer_identity", "self._setup_srtp()", "State.CONNECTED")),
        (RTCDtlsTransport._setup_srtp, ("self._rx_srtp = Session(rx_policy)", "self._tx_srtp = Session(tx_policy)")),
        (
            RTCDtlsTransport._recv_next,
            ("self.transport._recv()", "self._handle_rtp_data(data, arrival", "self._handle_rtcp_data(data)"),
        ),
        (RTCDtlsTransport._send_rtp, ("self._tx_srtp.protect(data)", "self.transport._send(data)")),
        (RTCDtlsTransport._write_ssl, ("self.transport._send(data)",)),
    ],
    ids=lambda place: getattr(place, "__qualname__", ""),
)
def test_the_libraries_work_as_they_were_read(place: object, words: tuple[str, ...]) -> None:
    source = inspect.getsource(place)  # type: ignore[arg-type]
    for word in words:
        assert word in source


def test_keys_are_made_only_after_the_certificate_was_checked() -> None:
    source = inspect.getsource(RTCDtlsTransport.start)
    assert source.index("_validate_peer_identity") < source.index("_setup_srtp") < source.index("State.CONNECTED")
    between = source[source.index("_validate_peer_identity") : source.index("_setup_srtp")]
    assert "if self._state == State.FAILED:\n            return" in between


def test_a_pair_keeps_its_address() -> None:
    """The address is kept as long as the pair is the nominated one, so it must follow from the pair alone."""
    found = inspect.getattr_static(CandidatePair, "remote_addr")
    assert isinstance(found, property)
    assert "self.remote_candidate._network_host, self.remote_candidate.port" in inspect.getsource(found.fget)  # type: ignore[arg-type]


def test_dtls_asks_nothing_else_of_its_transport() -> None:
    """Only these three names; more would mean that our stand-in for aiortc's ICE transport lacks something."""
    source = inspect.getsource(RTCDtlsTransport)
    assert set(re.findall(r"self\.transport\.(\w+)", source)) == {"_send", "_recv", "role"}


async def test_ports_of_the_range_and_loopback() -> None:
    link = IceLink(MediaSettings(ports=(41_000, 41_009), loopback=True, host="127.0.0.1"))
    await link.gather_candidates()
    assert [(c.host, c.type) for c in link.local_candidates] == [("127.0.0.1", "host")]
    assert 41_000 <= link.local_candidates[0].port <= 41_009
    await link.close()


async def test_a_range_that_is_used_up_yields_no_candidate() -> None:
    settings = MediaSettings(ports=(41_010, 41_010), host="127.0.0.1")
    first, second = IceLink(settings), IceLink(settings)
    await first.gather_candidates()
    await second.gather_candidates()
    assert (len(first.local_candidates), len(second.local_candidates)) == (1, 0)
    await first.close()
    await second.close()


async def test_a_silent_stun_server_only_costs_its_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webrtc.aiortc_hooks.GATHERING", 0.05)
    mute = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = mute[0].get_extra_info("sockname")[1]
    link = IceLink(MediaSettings(ice_servers=(IceServer((f"turn:127.0.0.1:{port}",), "a", "b"),), loopback=True))
    await link.gather_candidates()
    assert {c.type for c in link.local_candidates} == {"host"}
    await link.close()
    mute[0].close()


def test_servers_as_aioice_takes_them() -> None:
    assert chosen_servers(
        (
            IceServer(("stun:stun.example:3479",)),
            IceServer(("turns:turn.example?transport=tcp",), "name", "word"),
            IceServer(("turn:other.example",), "name", "word"),
        )
    ) == {
        "stun_server": ("stun.example", 3479),
        "turn_server": ("turn.example", 5349),
        "turn_ssl": True,
        "turn_transport": "tcp",
        "turn_username": "name",
        "turn_password": "word",
    }


def test_one_certificate_serves_the_process() -> None:
    assert certificate() is certificate()


async def test_nothing_is_sent_or_let_in_before_the_handshake() -> None:
    link = IceLink(MediaSettings(ports=(0, 0), loopback=True))
    got: list[bytes] = []
    secure = SecureLink(
        link,
        way="fast",
        on_rtp=lambda packet, now: got.append(packet),
        on_rtcp=lambda packet, now: got.append(packet),
        on_end=lambda: None,
        server=False,
    )
    secure.send_rtp(bytes(172))
    secure.send_rtcp(bytes(28))
    assert link.on_srtp is not None
    link.on_srtp(b"\x80\x00" + bytes(170))
    assert got == []
    assert aioice.ice.CONSENT_FAILURES * aioice.ice.CONSENT_INTERVAL == 30
    await link.close()
