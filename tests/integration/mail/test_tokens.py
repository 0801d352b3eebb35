"""Tokens of a provider that takes each refresh token once: kept over restarts, and by two nodes at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from channels.email.check import check_mail
from channels.email.oauth import HELD_S, NoToken, OAuthTokens, row_id
from channels.email.tokens_kept import Held, InStore
from hub.cli.finding import Kept
from hub.config_email import Email
from hub.config_mail import Mailbox, OAuth
from hub.config_rows import read
from hub.store import SqlStore, open_store
from tests.integration.mail.mailboxes import Provider
from tests.integration.mail.receiving import SECRET

HOUR_MS = 3600_000


class World:
    """Nodes over one database, with a clock and configured secrets in common."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self.folder, self.provider = folder, provider
        self.now = 1_800_000_000_000
        self.secrets = {"file:refresh": "refresh1"}
        self.oauth = OAuth(token_url=f"{provider.url}/token", refresh_token="file:refresh", scope="imap")
        self.stores: list[SqlStore] = []

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/hub.db"

    def secrets_file(self) -> None:
        (self.folder / "refresh").write_text(self.secrets["file:refresh"])

    async def node(self, secret: bytes = SECRET) -> OAuthTokens:
        store = open_store(self.url)
        await store.open()
        self.stores.append(store)
        self.keeper = InStore(store.mails, secret)
        return OAuthTokens(self.secrets.__getitem__, self.keeper, lambda: self.now)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Provider() as provider:
        provider.rotates = True
        made = World(tmp_path, provider)
        yield made
        for store in made.stores:
            await store.close()


async def test_a_restart_goes_on_with_what_was_given_last(world: World) -> None:
    first = await world.node()
    assert await first.token(world.oauth) == "token1"
    world.now += HOUR_MS
    assert await first.token(world.oauth) == "token2"
    # Another process: the token that holds needs no asking, and the next is had by the third refresh token.
    second = await world.node()
    assert await second.token(world.oauth) == "token2"
    world.now += HOUR_MS
    assert await second.token(world.oauth) == "token3"
    assert [each["refresh_token"] for each in world.provider.asked] == ["refresh1", "refresh2", "refresh3"]
    # A token that a mail server refuses is not given again, by neither.
    second.refused(world.oauth)
    assert await second.token(world.oauth) == "token4"
    first.refused(world.oauth)
    assert await first.token(world.oauth) == "token4"


async def test_two_nodes_ask_once(world: World) -> None:
    nodes = [await world.node(), await world.node()]
    for number in range(1, 6):
        asked = (node.token(world.oauth) for node in nodes * 5)
        assert set(await asyncio.gather(*asked)) == {f"token{number}"}
        assert len(world.provider.asked) == number
        world.now += HOUR_MS
    assert not world.provider.refuses


async def test_a_node_that_died_while_it_asked_is_waited_for_and_no_longer(world: World) -> None:
    one = await world.node()
    await one.token(world.oauth)
    id = row_id(world.oauth)
    held = await world.keeper.load(id)
    assert held.held_until == 0
    world.now += HOUR_MS
    assert await world.keeper.save(id, Held(held.tokens, held.version, world.now + int(HELD_S * 1000)))
    other = await world.node()
    waiting = asyncio.create_task(other.token(world.oauth))
    await asyncio.sleep(0.5)
    assert not waiting.done() and len(world.provider.asked) == 1
    world.now += int(HELD_S * 1000) + 1
    assert await waiting == "token2"


async def test_a_check_spends_no_token_of_the_hubs(world: World) -> None:
    hub = await world.node()
    world.now = int(time.time() * 1000) - 3 * HOUR_MS
    await hub.token(world.oauth)
    world.secrets_file()
    oauth = msgspec.to_builtins(world.oauth)
    inbound = {"kind": "imap", "host": "127.0.0.1", "port": 9, "security": "none", "username": "u", "oauth": oauth}
    rows = {"m": read(Mailbox, {"name": "M", "address": "m@hub.test", "queue": "support", "inbound": inbound})}
    email = Email(enabled=True, secrets=str(world.folder))
    # The hub's token is over by the clock of the check, which needs another one: then the hub has that, too.
    (found, *_) = await asyncio.to_thread(check_mail, email, rows, Kept(world.url, SECRET))
    assert "127.0.0.1 cannot be reached" in found.text  # with a token, but by IMAP
    world.now += 6 * HOUR_MS
    assert await hub.token(world.oauth) == "token3"
    assert [each["refresh_token"] for each in world.provider.asked] == ["refresh1", "refresh2", "refresh3"]


async def test_what_is_kept_is_sealed(world: World, tmp_path: Path) -> None:
    await (await world.node()).token(world.oauth)
    for path in tmp_path.glob("hub.db*"):
        assert b"refresh2" not in path.read_bytes() and b"token1" not in path.read_bytes()
    # With another secret nobody reads it: what is configured is asked with, which this provider takes for a theft.
    other = await world.node(b"another secret of another hub, 32")
    with pytest.raises(NoToken, match="consent was withdrawn"):
        await other.token(world.oauth)
    # Consent is given anew: the configured token is another one, and what came of the old one is of no use.
    world.provider.refuses, world.provider.good = False, "fresh"
    world.secrets["file:refresh"] = "fresh"
    assert (await other.token(world.oauth)).startswith("token")
    assert world.provider.asked[-1]["refresh_token"] == "fresh"
