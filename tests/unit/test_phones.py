"""The accounts of agents' telephones: what is kept, to whom it belongs, and that nobody else can use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from channels.voice.sip.digest import hash_user
from hub.auth import Auth
from hub.clock import ManualClock
from hub.directory import Directory
from hub.errors import Refused
from hub.model import Line, Role, User, line_of
from hub.phones import LETTERS, PASSWORD_LENGTH, REALM, Phones
from hub.store import SqlStore, open_store

ADA, BOB = User("us_ada", "ada", "Ada", Role.AGENT), User("us_bob", "bob", "Bob", Role.AGENT)
KEY = b"k" * 32


class Office:
    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = ManualClock(1_800_000_000_000)
        self.auth = Auth(store, self.clock)
        self.directory = Directory(store)
        self.phones = Phones(self.directory, self.clock, KEY)

    async def give(self, user: User, **changes: object) -> User:
        changed = await self.store.accounts.put_user(
            replace(user, **changes), version=user.version, actor="us_root", at=self.clock.now()
        )
        await self.directory.refresh("user", user.id)
        return changed

    async def with_phone(self, id: str) -> tuple[User, str]:
        user = self.directory.user(id)
        account, password = self.phones.make(user)
        user = await self.auth.set_phone(user, account, by="us_root")
        await self.directory.refresh("user", id)
        return user, password


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = open_store(f"sqlite:///{tmp_path / 'hub.db'}")
    await store.open()
    office = Office(store)
    for user in (ADA, BOB):
        await office.auth.create_user(user, None, by="system")
    await office.directory.load()
    yield office
    await store.close()


async def test_a_telephone_is_known_by_what_its_password_gives(office: Office) -> None:
    ada, password = await office.with_phone("us_ada")
    assert ada.phone is not None
    name = ada.phone.username
    assert len(password) == PASSWORD_LENGTH and set(password) <= set(LETTERS)
    assert name.isdigit() and len(name) == 6
    hashes = office.phones.hashes(name)
    assert hashes == {algorithm: hash_user(algorithm, name, REALM, password) for algorithm in ("SHA-256", "MD5")}
    owner = office.phones.owner(name)
    assert owner is not None and owner.id == "us_ada"
    assert office.phones.hashes("000000") is None and office.phones.hashes("ada") is None


async def test_a_new_password_keeps_the_name_and_ends_the_old_one(office: Office) -> None:
    first, old = await office.with_phone("us_ada")
    second, new = await office.with_phone("us_ada")
    assert first.phone is not None and second.phone is not None
    assert (first.phone.username, old) != (second.phone.username, new)
    assert first.phone.username == second.phone.username
    hashes = office.phones.hashes(second.phone.username) or {}
    assert hashes["MD5"] == hash_user("MD5", second.phone.username, REALM, new)
    await office.auth.set_phone(second, None, by="us_root")
    await office.directory.refresh("user", "us_ada")
    assert office.phones.hashes(second.phone.username) is None


async def test_what_is_kept_opens_for_its_user_only_and_with_the_hubs_key(office: Office) -> None:
    ada, password = await office.with_phone("us_ada")
    assert ada.phone is not None
    written = (await office.store.accounts.users())[0]
    assert written.phone is not None
    for secret in (password, *digest_texts(ada.phone.username, password)):
        assert secret not in repr(written)
    bob = await office.give(office.directory.user("us_bob"), phone=ada.phone)
    await office.give(office.directory.user("us_ada"), phone=None)
    assert bob.phone == ada.phone
    owner = office.phones.owner(ada.phone.username)
    assert owner is not None and owner.id == "us_bob"
    assert office.phones.hashes(ada.phone.username) is None, "copied to another user's row"
    await office.give(office.directory.user("us_bob"), phone=None)
    await office.give(office.directory.user("us_ada"), phone=ada.phone)
    assert office.phones.hashes(ada.phone.username)
    assert Phones(office.directory, office.clock, b"another key").hashes(ada.phone.username) is None


def digest_texts(username: str, password: str) -> list[str]:
    return [hash_user(algorithm, username, REALM, password) for algorithm in ("SHA-256", "MD5")]


async def test_who_takes_no_contacts_any_more_has_no_telephone(office: Office) -> None:
    ada, _ = await office.with_phone("us_ada")
    assert ada.phone is not None
    await office.give(ada, disabled=True)
    assert office.phones.hashes(ada.phone.username) is None
    with pytest.raises(Refused, match="telephone"):
        office.phones.make(office.directory.user("us_ada"))


async def test_the_audit_log_tells_of_it_without_the_secret(office: Office) -> None:
    ada, _ = await office.with_phone("us_ada")
    assert ada.phone is not None
    await office.auth.set_phone(ada, None, by="us_ada")
    entries = await office.store.configs.audit_log(kind="user", row="us_ada")
    made = next(entry for entry in entries if entry.action == "user.phone_made")
    assert (made.actor, made.after) == ("us_root", {"username": ada.phone.username})
    assert next(entry for entry in entries if entry.action == "user.phone_removed").actor == "us_ada"
    assert ada.phone.sealed not in repr(entries)
    assert ada.phone.username in repr(entries)


async def test_who_talks_on_the_telephone(office: Office) -> None:
    ada, _ = await office.with_phone("us_ada")
    assert line_of(ada) is Line.BROWSER
    assert line_of(replace(ada, settings={"line": "phone"})) is Line.PHONE
    assert line_of(replace(ada, settings={"line": "phone"}, phone=None)) is Line.BROWSER
