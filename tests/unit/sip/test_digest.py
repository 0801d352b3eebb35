"""Digest authentication: the RFCs' examples, and what each end does not fall for."""

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.sip.digest import (
    ALGORITHMS,
    Accepted,
    Challenge,
    Credentials,
    Denied,
    DigestClient,
    DigestServer,
    NotAnswered,
    digest_response,
    hash_user,
)
from channels.voice.sip.headers import BadHeader, Headers
from channels.voice.sip.message import Response

EXAMPLE = Credentials(
    "Mufasa",
    "http-auth@example.org",
    "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "/dir/index.html",
    "",
    qop="auth",
    nc=1,
    cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_example_of_rfc_7616(algorithm: str, response: str) -> None:
    hashed = hash_user(algorithm, EXAMPLE.username, EXAMPLE.realm, "Circle of Life")
    assert digest_response(hashed, replace(EXAMPLE, algorithm=algorithm), "GET") == response


def test_example_of_rfc_2617() -> None:
    text = (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
        'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    credentials = Credentials.parse(text)
    hashed = hash_user("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    assert digest_response(hashed, credentials, "GET") == credentials.response
    assert Credentials.parse(str(credentials)) == credentials


def challenged(*challenges: Challenge | str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, "", Headers([(name, str(challenge)) for challenge in challenges]))


def client(*realms: str, password: str = "secret") -> DigestClient:
    return DigestClient("hub", password, realms, secrets.token_hex)


def server(lifetime: int = 300, nonces: int = 10_000) -> DigestServer:
    users = {"hub": {name: hash_user(name, "hub", "home", "secret") for name in ("MD5", "SHA-256")}}
    return DigestServer("home", b"k" * 32, users.get, secrets.token_hex, lifetime=lifetime, nonces=nonces)


def ask(phone: DigestClient, home: DigestServer, now: float) -> str:
    """The credentials for a REGISTER after a fresh challenge."""
    return phone.answer(challenged(*home.challenge(now)), 1, "REGISTER", "sip:home")[0][1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_both_ends_agree(algorithm: str) -> None:
    home = DigestServer(
        "home",
        b"k" * 32,
        lambda _: {name: hash_user(name, "hub", "home", "secret") for name in ("MD5", "SHA-256")},
        secrets.token_hex,
        algorithms=(algorithm,),
    )
    phone = client("home")
    assert phone.authorize("REGISTER", "sip:home") == []
    assert home.check(ask(phone, home, 0.0), "REGISTER", "sip:home", 1.0) == Accepted("hub")
    (name, again), *_ = phone.authorize("REGISTER", "sip:home")
    assert name == "Authorization"
    assert Credentials.parse(again).nc == 2
    assert home.check(again, "REGISTER", "sip:home", 2.0) == Accepted("hub")


def test_better_algorithm_is_offered_first_and_taken() -> None:
    home, phone = server(), client("home")
    assert [Challenge.parse(text).algorithm for text in home.challenge(0.0)] == ["SHA-256", "MD5"]
    assert Credentials.parse(ask(phone, home, 0.0)).algorithm == "SHA-256"


def test_unknown_algorithm_is_passed_over() -> None:
    phone = client("home")
    fields = phone.answer(
        challenged(Challenge("home", "n1", "SHA-9"), Challenge("home", "n2"), 'Basic realm="home"', status=407),
        1,
        "INVITE",
        "sip:a",
    )
    assert [name for name, _ in fields] == ["Proxy-Authorization"]
    credentials = Credentials.parse(fields[0][1])
    assert (credentials.nonce, credentials.qop, credentials.nc) == ("n2", None, None)
    with pytest.raises(NotAnswered, match="no challenge"):
        phone.answer(challenged(Challenge("home", "n1", "SHA-9"), "Basic"), 1, "INVITE", "sip:a")


def test_foreign_realm_is_not_answered() -> None:
    phone = client("home")
    with pytest.raises(NotAnswered, match="'evil'"):
        phone.answer(challenged(Challenge("evil", "n1")), 1, "INVITE", "sip:a")
    fields = phone.answer(challenged(Challenge("evil", "n1"), Challenge("home", "n2")), 1, "INVITE", "sip:a")
    assert [Credentials.parse(value).realm for _, value in fields] == ["home"]


def test_first_realm_is_kept_to_when_none_is_named() -> None:
    phone = client()
    phone.answer(challenged(Challenge("home", "n1"), Challenge("other", "n2")), 1, "INVITE", "sip:a")
    with pytest.raises(NotAnswered, match="'other'"):
        phone.answer(challenged(Challenge("other", "n2")), 1, "INVITE", "sip:a")


def test_challenges_without_end_are_not_answered_for_ever() -> None:
    phone = client("home")
    phone.answer(challenged(Challenge("home", "n1")), 1, "INVITE", "sip:a")
    phone.answer(challenged(Challenge("home", "n2", stale=True)), 2, "INVITE", "sip:a")
    with pytest.raises(NotAnswered, match="twice"):
        phone.answer(challenged(Challenge("home", "n3", stale=True)), 3, "INVITE", "sip:a")
    assert phone.authorize("INVITE", "sip:a") == []


def test_refused_password_is_not_tried_again() -> None:
    phone = client("home")
    phone.answer(challenged(Challenge("home", "n1")), 1, "INVITE", "sip:a")
    with pytest.raises(NotAnswered, match="refused"):
        phone.answer(challenged(Challenge("home", "n2")), 2, "INVITE", "sip:a")


def test_proxy_and_server_may_both_ask() -> None:
    phone = client("home", "proxy")
    phone.answer(challenged(Challenge("proxy", "n1"), status=407), 1, "INVITE", "sip:a")
    phone.answer(challenged(Challenge("home", "n2")), 2, "INVITE", "sip:a")
    assert [name for name, _ in phone.authorize("BYE", "sip:a")] == ["Proxy-Authorization", "Authorization"]


def test_wrong_credentials_are_denied() -> None:
    home = server()
    right = Credentials.parse(ask(client("home"), home, 0.0))
    for wrong in (
        replace(right, response="0" * 64),
        replace(right, response=""),
        replace(right, username="nobody"),
        replace(right, realm="away"),
        replace(right, uri="sip:away"),
        replace(right, nc=2),
        replace(right, nc=None),
        replace(right, qop=None),
        replace(right, algorithm="MD5"),
        replace(right, algorithm="SHA-1"),
        replace(right, cnonce=None),
    ):
        denied = home.check(str(wrong), "REGISTER", "sip:home", 1.0)
        assert isinstance(denied, Denied)
        assert not denied.stale
    assert isinstance(home.check(str(right), "INVITE", "sip:home", 1.0), Denied)
    for text in ("", "Digest", 'Digest nonce="n"', "NoOneKnowsThisScheme opaque-data=here", f"{right}, nc=00000001"):
        assert isinstance(home.check(text, "REGISTER", "sip:home", 1.0), Denied)
    assert home.check(str(right), "REGISTER", "sip:home", 1.0) == Accepted("hub")
    wrong_password = ask(client("home", password="guess"), home, 0.0)
    assert home.check(wrong_password, "REGISTER", "sip:home", 1.0) == Denied("wrong user or password")


def test_nonce_is_ours_young_and_used_once_per_count() -> None:
    home = server(lifetime=60)
    text = ask(client("home"), home, 100.0)
    forged = str(replace(Credentials.parse(text), nonce="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))
    assert home.check(forged, "REGISTER", "sip:home", 101.0) == Denied("a nonce that is not ours", stale=True)
    assert home.check(text, "REGISTER", "sip:home", 160.0) == Denied("an old nonce", stale=True)
    assert home.check(text, "REGISTER", "sip:home", 159.0) == Accepted("hub")
    assert home.check(text, "REGISTER", "sip:home", 159.0) == Denied("an old nonce", stale=True)


def test_nonce_that_had_to_be_forgotten_cannot_be_replayed() -> None:
    home = server(nonces=3)
    texts = [ask(client("home"), home, float(now)) for now in range(5)]
    for now, text in enumerate(texts):
        assert home.check(text, "REGISTER", "sip:home", float(now)) == Accepted("hub")
    for text in texts:
        assert isinstance(home.check(text, "REGISTER", "sip:home", 6.0), Denied)


def test_repr_shows_no_secret() -> None:
    assert "secret" not in repr(client("home"))
    assert "f00" not in repr(replace(EXAMPLE, response="f00"))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)


@given(TEXT, TEXT.filter(bool), st.none() | TEXT, st.booleans())
def test_challenge_reads_back(realm: str, nonce: str, opaque: str | None, stale: bool) -> None:
    challenge = Challenge(realm, nonce, "SHA-256", ("auth", "auth-int"), opaque, stale)
    assert Challenge.parse(str(challenge)) == challenge


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (Challenge.parse, Credentials.parse):
        try:
            read(f"Digest {text}")
        except BadHeader as refusal:
            assert str(refusal)
