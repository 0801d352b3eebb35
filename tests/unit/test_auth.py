"""Sign-in, sessions and tokens, on a real store and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from msgspec.structs import replace

from hub.auth import Auth, AuthSettings, digest
from hub.clock import ManualClock
from hub.errors import Forbidden, HubError, InvalidInput, NotSignedIn, RateLimited, Refused, VersionConflict
from hub.model import Role, Session, User
from hub.passwords import HASHER, Passwords
from hub.store import SqlStore, open_store

HOUR = 3600_000
GOOD = "correct horse"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'hub.db'}")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_800_000_000_000)


@pytest.fixture
async def auth(store: SqlStore, clock: ManualClock) -> Auth:
    auth = Auth(store, clock, AuthSettings())
    auth.passwords = Passwords(hasher=QUICK)
    await auth.create_user(User("us_ada", "Ada", "Ada L", Role.ADMINISTRATOR), GOOD, by="system")
    await auth.create_user(User("us_bob", "bob", "Bob", Role.AGENT), GOOD, by="system")
    return auth


async def signed_in(auth: Auth, name: str = "ada", password: str = GOOD) -> tuple[Session, str]:
    return await auth.sign_in(name, password, "192.0.2.1", "Browser/1")


async def refusal(auth: Auth, name: str, password: str, address: str = "192.0.2.1") -> HubError:
    with pytest.raises(HubError) as refused:
        await auth.sign_in(name, password, address, "")
    return refused.value


async def test_sign_in_gives_a_session_for_the_cookie(auth: Auth, store: SqlStore) -> None:
    session, secret = await signed_in(auth, " ADA ")
    found = await auth.by_cookie(secret)
    assert found.user.id == "us_ada" and found.session == session
    stored = await store.accounts.session_by_id(session.id)
    assert stored is not None and stored.secret_hash == digest(secret) and secret not in str(stored)


@pytest.mark.parametrize("secret", [None, "", "x", "x" * 43, "x" * 5000, "\ud800", "é"])
async def test_other_cookies_are_refused(auth: Auth, secret: str | None) -> None:
    await signed_in(auth)
    with pytest.raises(NotSignedIn):
        await auth.by_cookie(secret)


async def test_wrong_name_wrong_password_and_disabled_sound_the_same(auth: Auth) -> None:
    ada = (await auth.by_session_id((await signed_in(auth))[0].id)).user
    await auth.create_user(replace(ada, id="us_eve", username="eve", disabled=True), GOOD, by="system")
    await auth.create_user(replace(ada, id="us_new", username="new", password_hash=""), None, by="system")
    said = [
        await refusal(auth, *who) for who in [("ada", "no"), ("nobody", GOOD), ("eve", GOOD), ("new", ""), ("", "")]
    ]
    assert {(error.code, error.message) for error in said} == {("auth.failed", said[0].message)}


async def test_unknown_names_cost_a_verification_too(auth: Auth) -> None:
    """The time itself is not measured here (the machine is shared); that the same work is done is."""
    runs = []
    verify = auth.passwords.verify

    async def counted(stored: str, password: str) -> tuple[bool, str | None]:
        runs.append(stored)
        return await verify(stored, password)

    auth.passwords.verify = counted  # type: ignore[method-assign]
    await refusal(auth, "nobody", GOOD)
    assert runs == [""]


async def test_guessing_is_slowed_by_name_from_many_addresses(auth: Auth, clock: ManualClock) -> None:
    for n in range(6):
        assert (await refusal(auth, "ada", "guess", f"198.51.100.{n}")).code == "auth.failed"
    error = await refusal(auth, "ada", GOOD, "198.51.100.99")
    assert isinstance(error, RateLimited) and 0 < error.details["retry_after_ms"] <= 60_000
    clock.advance(60_000)
    await auth.sign_in("ada", GOOD, "198.51.100.99", "")


async def test_guessing_is_slowed_by_address_over_many_names(auth: Auth) -> None:
    for n in range(21):
        await refusal(auth, f"name{n}", "guess")
    assert isinstance(await refusal(auth, "ada", GOOD), RateLimited)
    await auth.sign_in("ada", GOOD, "192.0.2.2", "")


async def test_many_guesses_at_once_gain_nothing(auth: Auth) -> None:
    answers = await asyncio.gather(*(refusal(auth, "ada", f"guess{n}") for n in range(30)))
    assert sum(isinstance(error, RateLimited) for error in answers) >= 20


async def test_an_office_behind_one_address_signs_in_freely(auth: Auth) -> None:
    for _ in range(25):
        await signed_in(auth)


async def test_idle_and_absolute_expiry(auth: Auth, clock: ManualClock) -> None:
    ended: list[str] = []
    auth.on_revoked.append(lambda ids: ended.extend(ids))
    session, secret = await signed_in(auth)
    clock.advance(8 * HOUR)
    with pytest.raises(NotSignedIn) as expired:
        await auth.by_cookie(secret)
    assert expired.value.code == "auth.expired" and ended == [session.id]
    session, secret = await signed_in(auth)
    for _ in range(23):
        clock.advance(HOUR)
        await auth.by_session_id(session.id)  # a socket's heartbeat counts as use
    clock.advance(HOUR)
    with pytest.raises(NotSignedIn):
        await auth.by_session_id(session.id)
    assert ended[1:] == [session.id]


async def test_sweeping_forgets_what_is_over(auth: Auth, clock: ManualClock, store: SqlStore) -> None:
    session, _ = await signed_in(auth)
    clock.advance(9 * HOUR)
    fresh, _ = await signed_in(auth)
    assert await auth.sweep() == 1
    assert await store.accounts.session_by_id(session.id) is None
    assert await store.accounts.session_by_id(fresh.id) is not None


async def test_rotation_overlaps(auth: Auth, clock: ManualClock) -> None:
    session, old = await signed_in(auth)
    assert await auth.rotate(session) is None
    clock.advance(2 * HOUR)
    new = await auth.rotate((await auth.by_cookie(old)).session or session)
    assert new is not None and new != old
    clock.advance(59_000)
    found = await auth.by_cookie(old)  # a request that was under way
    assert found.session is not None and found.session.id == session.id and found.session.csrf == session.csrf
    assert await auth.rotate(found.session) is None
    clock.advance(2_000)
    with pytest.raises(NotSignedIn):
        await auth.by_cookie(old)
    assert (await auth.by_cookie(new)).user.id == "us_ada"


async def test_two_requests_rotate_once(auth: Auth, clock: ManualClock) -> None:
    _, secret = await signed_in(auth)
    clock.advance(3 * HOUR)
    first, second = (await auth.by_cookie(secret)).session, (await auth.by_cookie(secret)).session
    assert first is not None and second is not None
    new = await auth.rotate(first)
    assert new is not None and await auth.rotate(second) is None
    await auth.by_cookie(new)


async def test_use_does_not_bring_back_an_ended_session(auth: Auth, clock: ManualClock, store: SqlStore) -> None:
    session, secret = await signed_in(auth)
    clock.advance(HOUR)
    await auth.sign_out(session)
    assert await store.accounts.update_session(session) is False
    with pytest.raises(NotSignedIn):
        await auth.by_cookie(secret)


async def test_sign_out_everywhere_tells_the_sockets(auth: Auth) -> None:
    ended: list[Sequence[str]] = []
    auth.on_revoked.append(ended.append)
    first, cookie = await signed_in(auth)
    second, _ = await signed_in(auth)
    _, other_cookie = await signed_in(auth, "bob")
    assert await auth.sign_out_everywhere("us_ada", keep=first.id) == [second.id]
    assert ended == [[second.id]]
    await auth.by_cookie(cookie)
    await auth.by_cookie(other_cookie)


async def test_disabling_ends_everything_at_once(auth: Auth) -> None:
    ended: list[str] = []
    auth.on_revoked.append(lambda ids: ended.extend(ids))
    session, cookie = await signed_in(auth, "bob")
    bob = (await auth.by_cookie(cookie)).user
    _, bearer = await auth.create_token(bob, "script", by="us_ada")
    await auth.change_user(replace(bob, disabled=True), version=bob.version, by="us_ada")
    assert ended == [session.id]
    for refused in (auth.by_cookie(cookie), auth.by_token(bearer), auth.by_session_id(session.id)):
        with pytest.raises(NotSignedIn):
            await refused
    with pytest.raises(Refused):
        await auth.create_token(replace(bob, disabled=True), "script", by="us_ada")


async def test_the_last_administrator_stays(auth: Auth, store: SqlStore) -> None:
    ada = await store.accounts.user("us_ada")
    assert ada is not None
    for changed in (replace(ada, disabled=True), replace(ada, role=Role.SUPERVISOR)):
        with pytest.raises(Refused) as refused:
            await auth.change_user(changed, version=ada.version, by="us_ada")
        assert refused.value.code == "user.last_administrator"
    bob = await store.accounts.user("us_bob")
    assert bob is not None
    await auth.change_user(replace(bob, role=Role.ADMINISTRATOR), version=bob.version, by="us_ada")
    await auth.change_user(replace(ada, disabled=True), version=ada.version, by="us_ada")


async def test_csrf_token(auth: Auth) -> None:
    session, _ = await signed_in(auth)
    auth.check_csrf(session, session.csrf)
    for given in (None, "", "x", session.csrf + "x", "\ud800"):
        with pytest.raises(Forbidden) as refused:
            auth.check_csrf(session, given)
        assert refused.value.code == "auth.csrf"


async def test_tokens(auth: Auth, clock: ManualClock, store: SqlStore) -> None:
    bob = await store.accounts.user("us_bob")
    assert bob is not None
    token, secret = await auth.create_token(bob, "script", by="us_ada", expires_at=clock.now() + HOUR)
    assert secret.startswith("cht_") and secret not in str(await store.accounts.tokens())
    found = await auth.by_token(secret)
    assert found.user.id == "us_bob" and found.session is None
    assert (await store.accounts.tokens())[0].used_at == clock.now()
    clock.advance(HOUR)
    with pytest.raises(NotSignedIn):
        await auth.by_token(secret)
    with pytest.raises(InvalidInput):
        await auth.create_token(bob, "script", by="us_ada", expires_at=clock.now())
    _, other = await auth.create_token(bob, "script", by="us_ada")
    await auth.delete_token((await auth.by_token(other)).token.id, by="us_ada")  # type: ignore[union-attr]
    for gone in (other, "cht_" + "x" * 43, "x", ""):
        with pytest.raises(NotSignedIn):
            await auth.by_token(gone)
    assert token.id


async def test_password_rules(auth: Auth, store: SqlStore) -> None:
    bob = await store.accounts.user("us_bob")
    assert bob is not None
    for bad in ("short", "x" * 1001):
        with pytest.raises(InvalidInput):
            await auth.set_password(bob, bad, by="us_ada")
    demo = Auth(store, ManualClock(1), AuthSettings(shortest_password=4))
    demo.passwords = Passwords(shortest=4, hasher=QUICK)
    changed = await demo.set_password(bob, "demo", by="system")
    with pytest.raises(VersionConflict):
        await demo.set_password(bob, "demo2", by="system")
    with pytest.raises(InvalidInput):
        await auth.change_password(changed, "wrong one", "another one")
    await auth.change_password(changed, "demo", "another one")
    await signed_in(auth, "bob", "another one")


async def test_letters_typed_in_two_ways_are_one_password(auth: Auth, store: SqlStore) -> None:
    bob = await store.accounts.user("us_bob")
    assert bob is not None
    await auth.set_password(bob, "Gr\u00fc\u00dfe aus K\u00f6ln", by="us_ada")
    await signed_in(auth, "bob", "Gru\u0308\u00dfe aus Ko\u0308ln")


async def test_old_parameters_are_renewed(auth: Auth, store: SqlStore) -> None:
    bob = await store.accounts.user("us_bob")
    assert bob is not None
    auth.passwords = Passwords(hasher=HASHER)
    weak = QUICK.hash(GOOD)
    await store.accounts.put_user(replace(bob, password_hash=weak), version=bob.version, actor="x", at=1)
    await signed_in(auth, "bob")
    renewed = await store.accounts.user("us_bob")
    assert renewed is not None and renewed.password_hash != weak and "m=19456" in renewed.password_hash
    await signed_in(auth, "bob")


async def test_everything_is_audited(auth: Auth, store: SqlStore) -> None:
    session, _ = await signed_in(auth)
    await refusal(auth, "ada", "wrong")
    await auth.sign_out(session)
    ada = await store.accounts.user("us_ada")
    assert ada is not None
    await auth.set_password(ada, "something else", by="us_ada")
    entries = await store.configs.audit_log(limit=100)
    assert {"auth.signed_in", "auth.failed", "auth.signed_out", "user.password_changed"} <= {e.action for e in entries}
    assert ada.password_hash and "argon2" not in str(entries) and "something else" not in str(entries)
