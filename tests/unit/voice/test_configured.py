"""hub.toml's [voice] and the administrators' rows, as the voice channel takes them; mistakes name their path."""

from pathlib import Path
from typing import Any

import pytest

from channels.voice.configured import configured, read_password, read_secrets
from hub import config_rows as rows
from hub.config import parse
from hub.errors import ConfigError, InvalidInput, Unavailable

CARRIER = {"name": "Carrier", "host": "sip.carrier.example", "networks": ["203.0.113.0/24"]}


def voice(**said: Any) -> Any:
    return parse({"voice": {"enabled": True, **said}}).voice


def test_rows_and_the_file_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTHUB_CARRIER", "hush")
    section = voice(
        listen=["udp:0.0.0.0:5060", "tcp:[::]:5062"],
        stun=["stun:stun.example.org"],
        countries=["DE"],
        trunks=[{"id": "file", **CARRIER}],
        numbers=[{"id": "main", "pattern": "+4930*", "queue": "support", "site": "shop", "order": 5}],
    )
    trunks = {
        "page": rows.read(rows.Trunk, {**CARRIER, "username": "us", "password": "env:CONTACTHUB_CARRIER"}),
        "file": rows.read(rows.Trunk, {**CARRIER, "host": "other.example"}),
        "off": rows.read(rows.Trunk, {**CARRIER, "enabled": False}),
    }
    numbers = {
        "vip": rows.read(rows.Number, {"name": "V", "pattern": "+49301", "queue": "vip", "site": "s", "order": 1})
    }
    queues = {"support": rows.read(rows.Queue, {"name": "Support", "caller_id": "+49301"})}
    found = configured(section, trunks, numbers, queues, read_secrets(section, trunks))
    assert [(one.transport, one.host, one.port) for one in found.listen] == [
        ("udp", "0.0.0.0", 5060),
        ("tcp", "::", 5062),
    ]
    assert [(trunk.id, trunk.host) for trunk in found.trunks] == [
        ("file", "sip.carrier.example"),
        ("page", "sip.carrier.example"),
    ]
    page = found.trunk("page")
    assert page is not None and page.account is not None and page.account.password == "hush"
    assert [number.queue for number in found.numbers] == ["vip", "support"]
    assert (number := found.number("+4930555")) is not None and number.queue == "support"
    assert found.caller_ids == {"support": "+49301"} and found.dial.countries == ("DE",)
    assert found.ice_servers[0].urls == ("stun:stun.example.org",)


def test_a_trunk_whose_password_is_missing_is_left_out(tmp_path: Path) -> None:
    trunks = {
        "no": rows.read(rows.Trunk, {**CARRIER, "username": "us", "password": "env:CONTACTHUB_NOT_SET"}),
        "yes": rows.read(rows.Trunk, {**CARRIER, "username": "us", "password": "file:carrier"}),
    }
    (tmp_path / "carrier").write_text("hush\n")
    section = voice(secrets=str(tmp_path))
    found = configured(section, trunks, {}, {}, read_secrets(section, trunks))
    assert [trunk.id for trunk in found.trunks] == ["yes"]
    assert [(id, name) for id, name, _ in found.left_out] == [("no", "Carrier")]
    assert "CONTACTHUB_NOT_SET" in found.left_out[0][2]


@pytest.mark.parametrize("reference", ["env:HOME", "env:CONTACTHUB_NOT_SET", "file:missing", "file:..", "file:"])
def test_passwords_come_from_where_they_may(tmp_path: Path, reference: str) -> None:
    """Administrators of the pages are not to read the machine's environment and files."""
    with pytest.raises(Unavailable):
        read_password(reference, str(tmp_path))
    with pytest.raises(Unavailable):
        read_password("file:any", "")


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"listen": ["udp:somewhere:5060"]}, "voice.listen[0]"),
        ({"listen": ["sctp:0.0.0.0:5060"]}, "voice.listen[0]"),
        ({"listen": ["tls:0.0.0.0:5061"]}, "voice.tls_certificate"),
        ({"tls_certificate": "a.pem"}, "voice.tls_key"),
        ({"media_ports": [30000, 20000]}, "voice.media_ports"),
        ({"turn": ["turn:turn.example.org"]}, "voice.turn_secret"),
        ({"countries": ["Germany"]}, "voice.countries[0]"),
        ({"trunks": [{"name": "x"}]}, "voice.trunks[0].id"),
        ({"trunks": [{"id": "a", "networks": ["nowhere"]}]}, "voice.trunks[0].networks[0]"),
        ({"trunks": [{"id": "a", "prot": 1, **CARRIER}]}, "voice.trunks[0]"),
        ({"numbers": [{"id": "a", "pattern": "1"}]}, "voice.numbers[0]"),
    ],
)
def test_a_mistake_in_the_file_names_its_path(said: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse({"voice": said})
    assert str(caught.value).startswith(path)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"networks": []}, "networks"),
        ({"networks": ["203.0.113.0/33"]}, "networks[0]"),
        ({"host": "sip.example", "register": True}, "register"),
        ({"host": "sip.example", "username": "us"}, "password"),
        ({"host": "sip.example", "username": "us", "password": "hush"}, "password"),
        ({"host": "sip example"}, "host"),
        ({"host": "sip.example", "caller_id": "<sip:x>"}, "caller_id"),
    ],
)
def test_a_mistake_in_a_trunk_names_its_path(said: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rows.read(rows.Trunk, {"name": "Carrier", **said})
    assert caught.value.details["path"] == path
