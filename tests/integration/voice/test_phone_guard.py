"""Who may register as an agent's telephone: messages written by hand, from addresses that nobody knows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from channels.voice.sip.digest import Challenge, Credentials, digest_response, hash_user
from channels.voice.sip.message import Response, parse
from channels.voice.sip.settings import Account
from hub.phones import REALM
from tests.integration.voice.own_phone import Office, an_office

_numbers = itertools.count(1)
STRANGER = "127.0.0.7"


class Stranger(asyncio.DatagramProtocol):
    """A socket at an address of this machine that says whatever it likes to the hub."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self._news = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        message = parse(data)
        assert isinstance(message, Response)
        self.answers.append(message)
        self._news.set()

    def say(self, method: str, user: str, *fields: str, to: str = "") -> None:
        """A request of `user`, about himself or (REGISTER) about `to`."""
        assert self._transport is not None
        number = next(_numbers)
        host, port = self._transport.get_extra_info("sockname")[:2]
        lines = [
            f"{method} sip:{REALM} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{number:08}",
            "Max-Forwards: 70",
            f"From: <sip:{user}@{REALM}>;tag=t{number}",
            f"To: <sip:{to or user}@{REALM}>",
            f"Call-ID: {number}@{host}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{user}@{host}:{port}>",
            *fields,
            "Content-Length: 0",
        ]
        self._transport.sendto("\r\n".join([*lines, "", ""]).encode())

    async def answer(self) -> Response:
        while not self.answers:
            self._news.clear()
            await self._news.wait()
        return self.answers.pop(0)

    async def asks(self, method: str, user: str, *fields: str, to: str = "") -> int:
        """The status of the answer."""
        self.say(method, user, *fields, to=to)
        return (await self.answer()).status

    async def challenge(self, user: str, algorithm: str = "SHA-256") -> Challenge:
        self.say("REGISTER", user)
        answer = await self.answer()
        assert answer.status == 401
        found = [Challenge.parse(text) for text in answer.headers.lines("WWW-Authenticate")]
        assert [one.algorithm for one in found] == ["SHA-256", "MD5"]
        return next(one for one in found if one.algorithm == algorithm)


def credentials(challenge: Challenge, account: Account, method: str = "REGISTER", count: int = 1) -> str:
    parts = (account.username, REALM, challenge.nonce, f"sip:{REALM}")
    unanswered = Credentials(*parts, "", challenge.algorithm, "auth", count, "cnonce")
    hashed = hash_user(challenge.algorithm, account.username, REALM, account.password)
    response = digest_response(hashed, unanswered, method)
    return "Authorization: " + str(Credentials(*parts, response, challenge.algorithm, "auth", count, "cnonce"))


@asynccontextmanager
async def a_stranger(office: Office, host: str = STRANGER) -> AsyncIterator[Stranger]:
    loop = asyncio.get_running_loop()
    transport, stranger = await loop.create_datagram_endpoint(
        Stranger, local_addr=(host, 0), remote_addr=("127.0.0.1", office.port)
    )
    yield stranger
    transport.close()


async def test_a_stranger_gets_no_answer_but_to_a_register(tmp_path: Path) -> None:
    async with an_office(tmp_path, 9) as office, a_stranger(office) as stranger:
        for method in ("INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE"):
            stranger.say(method, "ada")
        assert await stranger.asks("REGISTER", "ada") == 401
        assert stranger.answers == []
        gate = office.serving.application.voice.trunks.gate
        assert gate.strangers >= 5
        assert len(office.serving.application.voice.calls) == 0


async def test_both_algorithms_and_no_replay(tmp_path: Path) -> None:
    async with an_office(tmp_path, 9) as office, a_stranger(office) as stranger:
        account = await asyncio.to_thread(office.account)
        for algorithm in ("SHA-256", "MD5"):
            challenge = await stranger.challenge(account.username, algorithm)
            spoken = credentials(challenge, account)
            assert await stranger.asks("REGISTER", account.username, spoken, "Expires: 300") == 200
            # Whoever read it on the way and says it again is told that it is old.
            stranger.say("REGISTER", account.username, spoken, "Expires: 0")
            answer = await stranger.answer()
            assert answer.status == 401
            assert all(Challenge.parse(text).stale for text in answer.headers.lines("WWW-Authenticate"))
        seen = office.serving.application.hub.phones.seen("us_ada")
        assert [(one.address, one.transport) for one in seen] == [(STRANGER, "udp")]


async def test_nobody_speaks_as_somebody_else(tmp_path: Path) -> None:
    async with an_office(tmp_path, 9) as office, a_stranger(office) as stranger:
        ada = await asyncio.to_thread(office.account)
        bob = await asyncio.to_thread(office.account, "bob")
        challenge = await stranger.challenge(ada.username)
        assert await stranger.asks("REGISTER", ada.username, credentials(challenge, ada), to=bob.username) == 403
        # His password under the other's name.
        mixed = Account(bob.username, ada.password)
        assert await stranger.asks("REGISTER", bob.username, credentials(challenge, mixed, count=2)) == 401
        assert office.serving.application.hub.phones.seen("us_bob") == []
        assert (
            await stranger.asks("REGISTER", ada.username, credentials(challenge, ada, count=3), "Expires: 300") == 200
        )
        # Registered, he still has to show who calls; the credentials count, not what From says.
        assert await stranger.asks("INVITE", bob.username) == 401


async def test_who_guesses_is_barred_and_phones_that_stand_are_not(tmp_path: Path) -> None:
    async with (
        an_office(tmp_path, 9) as office,
        a_stranger(office) as guesser,
        a_stranger(office, "127.0.0.8") as phone,
    ):
        account = await asyncio.to_thread(office.account)
        challenge = await phone.challenge(account.username)
        assert await phone.asks("REGISTER", account.username, credentials(challenge, account), "Expires: 300") == 200
        challenge = await guesser.challenge(account.username)
        for count in range(1, 12):
            wrong = Account(account.username, f"guess-{count}")
            assert await guesser.asks("REGISTER", account.username, credentials(challenge, wrong, count=count)) == 401
        # Now even the right one is not looked at.
        guesser.say("REGISTER", account.username, credentials(challenge, account, count=99))
        challenge = await phone.challenge(account.username)
        spoken = credentials(challenge, account)
        assert await phone.asks("REGISTER", account.username, spoken, "Expires: 300") == 200
        assert guesser.answers == []
        assert [one.address for one in office.serving.application.hub.phones.seen("us_ada")] == ["127.0.0.8"]


async def test_a_new_password_or_none_signs_the_phone_off(tmp_path: Path) -> None:
    async with an_office(tmp_path, 9) as office, a_stranger(office) as stranger:
        phones = office.serving.application.hub.phones
        browser = await asyncio.to_thread(office.serving.sign_in, "ada")
        old = await asyncio.to_thread(office.account)
        challenge = await stranger.challenge(old.username)
        assert await stranger.asks("REGISTER", old.username, credentials(challenge, old), "Expires: 300") == 200
        shown = (await asyncio.to_thread(browser.request, "GET", "/api/v1/me/phone")).json()
        assert shown["password"] is None and [one["address"] for one in shown["registered"]] == [STRANGER]
        assert f"udp:127.0.0.1:{office.port}" in shown["servers"]
        made = (await asyncio.to_thread(browser.request, "POST", "/api/v1/me/phone")).json()
        assert made["username"] == old.username and made["registered"] == []
        new = Account(made["username"], made["password"])
        assert phones.seen("us_ada") == []
        challenge = await stranger.challenge(old.username)
        assert await stranger.asks("REGISTER", old.username, credentials(challenge, old)) == 401
        spoken = credentials(challenge, new, count=2)
        assert await stranger.asks("REGISTER", new.username, spoken, "Expires: 300") == 200
        assert (await asyncio.to_thread(browser.request, "DELETE", "/api/v1/me/phone")).status_code == 204
        assert phones.seen("us_ada") == []
        challenge = await stranger.challenge(old.username)
        assert await stranger.asks("REGISTER", new.username, credentials(challenge, new)) == 401


async def test_where_phones_may_not_register(tmp_path: Path) -> None:
    async with (
        an_office(tmp_path, 9, phones=("127.0.0.8/32",)) as office,
        a_stranger(office) as stranger,
        a_stranger(office, "127.0.0.8") as phone,
    ):
        stranger.say("REGISTER", "ada")
        assert await phone.asks("REGISTER", "ada") == 401
        assert stranger.answers == []


async def test_a_hub_that_wants_no_phones_makes_no_accounts(tmp_path: Path) -> None:
    async with an_office(tmp_path, 9, phones=()) as office:
        browser = await asyncio.to_thread(office.serving.sign_in, "ada")
        answer = await asyncio.to_thread(browser.request, "POST", "/api/v1/me/phone")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "phone.not_allowed")
        assert (await asyncio.to_thread(browser.request, "GET", "/api/v1/me/phone")).json()["allowed"] is False
