"""The settings and mailboxes of docs/howto/mail.md are ones that the hub takes."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from typing import Any

import msgspec
import pytest

from hub.config import parse
from hub.config_mail import Dkim, Mailbox
from tests.peers import CHECKOUT

PAGE = (CHECKOUT / "docs/howto/mail.md").read_text("utf-8")
# A fence stands where its block does, in a list further right.
_BLOCKS = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.S | re.M)
BLOCKS = [(kind, textwrap.dedent(text)) for _, kind, text in _BLOCKS.findall(PAGE)]


def mailboxes() -> list[dict[str, Any]]:
    sent = [found[1] for kind, text in BLOCKS if kind == "sh" and (found := re.search(r"-d '(\{.*\})'", text, re.S))]
    return [json.loads(text) for text in sent + [text for kind, text in BLOCKS if kind == "json" and text[0] == "{"]]


@pytest.mark.parametrize("row", mailboxes(), ids=lambda row: str(row["inbound"]["host"]))
def test_its_mailboxes(row: dict[str, Any]) -> None:
    del row["id"]
    found = msgspec.convert(row, Mailbox)
    found.check()
    for side in (found.inbound, found.outbound):
        if side.oauth is not None:
            side.oauth.check("oauth")


def test_there_are_as_many_as_there_were() -> None:
    assert len(mailboxes()) == 3


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "toml"])
def test_its_settings(text: str) -> None:
    assert parse(tomllib.loads(text)).email is not None


def test_its_signature() -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "json" and text.startswith('"dkim"'))
    assert msgspec.convert(json.loads(f"{{{text}}}")["dkim"], Dkim).selector == "hub2026"
