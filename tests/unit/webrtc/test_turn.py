"""Credentials that coturn works out for itself; tests/integration/media/test_relayed.py shows them to it."""

from __future__ import annotations

import pytest

from hub.errors import InvalidInput
from webrtc.settings import IceServer
from webrtc.turn import TurnSettings, credentials, for_browser

TURN = TurnSettings(urls=("turn:turn.example:3478?transport=udp",), secret="north", lifetime_s=3600)


def test_credentials_are_those_of_the_shared_secret() -> None:
    # printf '1700003600:agent1' | openssl dgst -sha1 -hmac north -binary | base64
    assert credentials(TURN, "agent1", 1_700_000_000.9) == IceServer(
        urls=TURN.urls, username="1700003600:agent1", credential="DtK/7ziSiOm1an6nJx5CeqtNLOA="
    )


def test_a_secret_and_a_plain_name_are_needed() -> None:
    with pytest.raises(InvalidInput, match="static-auth-secret"):
        credentials(TurnSettings(urls=TURN.urls, secret=""), "agent1", 0)
    with pytest.raises(InvalidInput, match="colon"):
        credentials(TURN, "agent:1", 0)


def test_what_a_browser_is_told() -> None:
    assert for_browser((IceServer(("stun:stun.example",)), IceServer(TURN.urls, "1:a", "b"))) == [
        {"urls": ["stun:stun.example"]},
        {"urls": ["turn:turn.example:3478?transport=udp"], "username": "1:a", "credential": "b"},
    ]
