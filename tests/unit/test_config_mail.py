"""The rows about e-mail, and the section [email] of hub.toml."""

from __future__ import annotations

from typing import Any

import pytest

from channels.email.secrets import read_secret
from hub.config import parse
from hub.config_email import listener
from hub.config_rows import Mailbox, MailRule, MailTemplate, read
from hub.errors import ConfigError, InvalidInput

BOX: dict[str, Any] = {"name": "Support", "address": "support@shop.example", "queue": "support"}
IMAP = {"kind": "imap", "host": "mail.shop.example", "username": "support", "secret": "env:CONTACTHUB_MAIL"}


def test_a_mailbox_with_all_defaults() -> None:
    row = read(Mailbox, BOX)
    assert (row.inbound.kind, row.outbound.kind, row.enabled, row.reopen_days) == ("none", "none", True, 14)
    assert read(Mailbox, BOX | {"aliases": ["Help@Shop.example"]}).addresses == (
        "support@shop.example",
        "help@shop.example",
    )


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"address": "nobody"}, "address"),
        ({"address": "a b@c.example"}, "address"),
        ({"inbound": IMAP | {"host": ""}}, "inbound.host"),
        ({"inbound": IMAP | {"secret": ""}}, "inbound.secret"),
        ({"inbound": IMAP | {"secret": "hunter2"}}, "inbound.secret"),
        ({"inbound": IMAP | {"username": "", "secret": ""}}, "inbound.username"),
        ({"inbound": IMAP | {"after": "move"}}, "inbound.move_to"),
        ({"inbound": IMAP | {"after": "move", "move_to": "INBOX"}}, "inbound.move_to"),
        ({"inbound": IMAP | {"folders": ["a\r\nb"]}}, "inbound.folders[0]"),
        ({"inbound": IMAP | {"folders": []}}, "inbound.folders"),
        ({"inbound": IMAP | {"poll_s": 1}}, "inbound.poll_s"),
        ({"inbound": IMAP | {"oauth": {"refresh_token": "file:x", "token_url": "https://x.example"}}}, "inbound.oauth"),
        ({"inbound": IMAP | {"secret": "", "oauth": {"refresh_token": "file:x"}}}, "inbound.oauth.token_url"),
        ({"inbound": IMAP | {"secret": "", "oauth": {"provider": "google"}}}, "inbound.oauth.refresh_token"),
        (
            {"inbound": IMAP | {"secret": "", "oauth": {"secret": "file:x", "token_url": "http://evil.example/"}}},
            "inbound.oauth.token_url",
        ),
        ({"outbound": {"kind": "smtp"}}, "outbound.host"),
        ({"outbound": {"dkim": {"domain": "x.example", "selector": "s", "key": ""}}}, "outbound.dkim.key"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_mistakes_name_their_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as found:
        read(Mailbox, BOX | change)
    assert found.value.details["path"] in (path, "")
    assert path.split(".")[-1].split("[")[0] in str(found.value)


def test_providers_know_where_their_tokens_come_from() -> None:
    oauth = {"provider": "microsoft", "refresh_token": "file:token"}
    row = read(Mailbox, BOX | {"inbound": IMAP | {"secret": "", "oauth": oauth}})
    assert row.inbound.oauth is not None
    assert row.inbound.oauth.url.startswith("https://login.microsoftonline.com/")


def test_rules_and_templates() -> None:
    when = [{"fact": "subject", "op": "regex", "value": "(?i)invoice|rechnung"}]
    assert read(MailRule, {"name": "r", "when": when, "queue": "billing"}).queue == "billing"
    for wrong in ({"when": when}, {"when": [{"fact": "subject", "op": "regex", "value": "("}], "queue": "billing"}):
        with pytest.raises(InvalidInput):
            read(MailRule, {"name": "r", **wrong})
    with pytest.raises(InvalidInput):
        read(MailRule, {"name": "r", "when": [{"fact": "weather", "value": "x"}], "queue": "billing"})
    assert read(MailTemplate, {"name": "t", "text": "Hello {{ customer.name }}"}).queues is None
    with pytest.raises(InvalidInput, match="something to say"):
        read(MailTemplate, {"name": "t"})


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"listen": ["imap:127.0.0.1:25"]}, "email.listen[0]: expected protocol:address:port"),
        ({"listen": ["smtp:somewhere:25"]}, "email.listen[0]: expected protocol:address:port"),
        ({"networks": ["10.0.0.0/33"]}, "email.networks[0]: expected an address or a network"),
        ({"tls_key": "x"}, "email.tls_key: expected a certificate and its key"),
        ({"tls_required": True}, "email.tls_certificate: expected a certificate"),
        ({"max_size": 0}, "email.max_size: expected a whole number above 0"),
    ],
)
def test_the_section_of_hub_toml(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as found:
        parse({"email": section})
    assert str(found.value).startswith(problem)


def test_addresses_to_listen_on() -> None:
    assert listener("lmtp:[::1]:2424") == ("lmtp", "::1", 2424)


def test_secrets_are_named_and_never_others(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mail").write_text("geheim\n")
    monkeypatch.setenv("CONTACTHUB_MAIL", "geheim")
    folder = str(tmp_path)
    assert read_secret("file:mail", folder) == read_secret("env:CONTACTHUB_MAIL", "") == "geheim"
    for wrong in ("env:HOME", "env:CONTACTHUB_NOT_SET", "file:other", "file:..", "file:../x", "geheim", ""):
        with pytest.raises(ConfigError) as found:
            read_secret(wrong, folder)
        assert "geheim" not in str(found.value)
    with pytest.raises(ConfigError, match=r"email\.secrets"):
        read_secret("file:mail", "")
