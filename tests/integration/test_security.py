"""What browsers are told, who may be where, and what sign-in stands, over a real server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import socketio
from msgspec.structs import replace

from hub.model import Role
from hub.web.signing import local_path
from tests.integration.serving import PASSWORD, Browser, Serving, serving


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with serving(
        folder, server={"trusted_proxies": ["127.0.0.2"]}, security={"requests_per_minute": 10_000}
    ) as running:
        for name, role in (("ann", Role.AGENT), ("sue", Role.SUPERVISOR), ("roy", Role.ADMINISTRATOR)):
            running.user(name, role)
        yield running


@pytest.fixture
def stranger(hub: Serving) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client


@pytest.fixture
def browser(hub: Serving) -> Iterator[Browser]:
    browser = Browser(hub)
    yield browser
    browser.http.close()


def error_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def token_of(page: httpx.Response) -> str:
    found = re.search(r'<meta name="csrf" content="([^"]*)"', page.text)
    assert found
    return found[1]


# --- headers -------------------------------------------------------------------------------------------------------


def test_pages_run_nothing_but_our_own_files(hub: Serving, stranger: httpx.Client) -> None:
    pages = [
        stranger.get("/login"),
        *(hub.sign_in("roy").http.get(path) for path in ("/agent", "/supervisor", "/admin")),
    ]
    for page in pages:
        assert page.status_code == 200
        policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" == policy["style-src"]
        assert policy["frame-ancestors"] == "'none'" == policy["base-uri"] and policy["form-action"] == "'self'"
        assert policy["connect-src"] == f"'self' {hub.origin.replace('http', 'ws')}"
        assert "unsafe" not in page.headers["content-security-policy"] and "*" not in policy.values()
        assert page.headers["cache-control"] == "no-store"
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\son\w+=|style=", page.text)
        assert inline == []


@pytest.mark.parametrize("path", ["/login", "/healthz", "/api/v1/me", "/api/v1/openapi.json", "/nowhere", "/metrics"])
def test_every_answer_is_guarded(stranger: httpx.Client, path: str) -> None:
    headers = stranger.get(path).headers
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin" and "camera=()" in headers["permissions-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
    assert "access-control-allow-origin" not in headers


def test_a_request_keeps_its_id_unless_it_is_odd(stranger: httpx.Client) -> None:
    assert stranger.get("/healthz", headers={"X-Request-ID": "trace-0001.a"}).headers["x-request-id"] == "trace-0001.a"
    for odd in ("short", "x" * 65, "two words here"):
        assert stranger.get("/healthz", headers={"X-Request-ID": odd}).headers["x-request-id"] != odd


def test_errors_are_pages_for_people_and_json_for_programs(stranger: httpx.Client) -> None:
    person = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "zh-CN,zh;q=0.9"}
    page = stranger.get("/nowhere", headers=person)
    assert page.status_code == 404 and 'lang="zh-CN"' in page.text and "这里什么也没有" in page.text
    assert error_of(stranger.get("/nowhere")) == "http.not_found"
    assert error_of(stranger.get("/api/v1/me", headers=person)) == "auth.required"


# --- signing in ----------------------------------------------------------------------------------------------------


def test_the_cookie_is_for_us_alone(browser: Browser) -> None:
    answer = browser.sign_in("ann", PASSWORD)
    assert answer.json() == {"ok": True, "next": "/agent"}
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("ch_session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert "Secure" not in cookie, "plain http here"


def test_the_cookie_is_secure_behind_https(tmp_path: Path) -> None:
    with serving(tmp_path, server={"public_url": "https://hub.example"}) as running:
        running.user("ann", Role.AGENT)
        with running.client(headers={"Origin": "https://hub.example"}) as client:
            page = client.get("/login")
            assert "strict-transport-security" in page.headers
            cookie = page.headers["set-cookie"]
            assert "Secure" in cookie
            headers = {"X-CSRF-Token": token_of(page), "Cookie": cookie.partition(";")[0]}
            body = {"username": "ann", "password": PASSWORD}
            answer = client.post("/login", json=body, headers=headers)
            assert answer.status_code == 200 and "Secure" in answer.headers["set-cookie"]
            wrong = client.post("/login", json=body, headers={**headers, "Origin": running.origin})
            assert error_of(wrong) == "auth.origin", "only the configured origin is ours then"


@pytest.mark.parametrize(("name", "home"), [("ann", "/agent"), ("sue", "/supervisor"), ("roy", "/admin")])
def test_a_form_without_script_leads_to_the_roles_page(
    hub: Serving, stranger: httpx.Client, name: str, home: str
) -> None:
    token = token_of(stranger.get("/login"))
    form = {"username": name, "password": PASSWORD, "csrf": token, "next": ""}
    answer = stranger.post("/login", data=form, headers={"Origin": hub.origin})
    assert (answer.status_code, answer.headers["location"]) == (303, home)
    assert stranger.get("/").headers["location"] == home
    assert stranger.get("/login").headers["location"] == home


def test_a_wrong_password_says_so_on_the_page(hub: Serving, stranger: httpx.Client) -> None:
    token = token_of(stranger.get("/login?next=/agent"))
    form = {"username": 'x"><script>', "password": "wrong", "csrf": token, "next": "/agent"}
    page = stranger.post("/login", data=form, headers={"Origin": hub.origin})
    assert page.status_code == 401 and "do not match" in page.text
    assert "<script>" not in page.text.replace('<script type="application/json"', "") and 'value="/agent"' in page.text
    assert token_of(page) == token, "so that the next try works"


def test_sign_in_by_another_site_is_refused(hub: Serving, stranger: httpx.Client) -> None:
    token = token_of(stranger.get("/login"))
    body = {"username": "ann", "password": PASSWORD}
    good = {"Origin": hub.origin, "X-CSRF-Token": token}
    for headers, code in (
        ({**good, "Origin": "https://evil.example"}, "auth.origin"),
        ({"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"}, "auth.origin"),
        ({"Origin": hub.origin}, "auth.csrf"),
        ({**good, "X-CSRF-Token": "x" * 32}, "auth.csrf"),
    ):
        answer = stranger.post("/login", json=body, headers=headers)
        assert (answer.status_code, error_of(answer)) == (403, code)
    stranger.cookies.delete("ch_csrf")
    assert error_of(stranger.post("/login", json=body, headers=good)) == "auth.csrf", "the cookie must repeat it"


@pytest.mark.parametrize(
    "body",
    [
        {"username": "ann", "password": PASSWORD, "role": "administrator"},
        {"username": ["ann"], "password": PASSWORD},
        {"username": "a" * 201, "password": PASSWORD},
        {"username": "ann\u0000", "password": PASSWORD},
        {"username": "ann", "password": "x" * 20_000},
    ],
)
def test_odd_sign_ins_are_mistakes(hub: Serving, stranger: httpx.Client, body: dict[str, object]) -> None:
    headers = {"Origin": hub.origin, "X-CSRF-Token": token_of(stranger.get("/login"))}
    assert stranger.post("/login", json=body, headers=headers).status_code in (413, 422)


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/agent", True), ("/admin?x=1", True), ("/agent#/contact/1", True), ("//evil.example", False),
        ("/\\evil.example", False), ("https://evil.example", False), ("javascript:alert(1)", False), ("", False),
        ("/a\nb", False), ("/a\tb", False), ("/x\\y", False), ("agent", False), ("/login", False), ("/logout", False),
    ],
)  # fmt: skip
def test_after_sign_in_one_stays_here(path: str, local: bool) -> None:
    assert local_path(path) == (path if local else None)


def test_guessing_is_slowed(hub: Serving, stranger: httpx.Client) -> None:
    hub.user("guessed", Role.AGENT)
    headers = {"Origin": hub.origin, "X-CSRF-Token": token_of(stranger.get("/login"))}
    answers = [
        stranger.post("/login", json={"username": "guessed", "password": f"guess {n}"}, headers=headers)
        for n in range(7)
    ]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    limited = answers[-1]
    assert (limited.status_code, error_of(limited)) == (429, "rate.limited")
    assert int(limited.headers["retry-after"]) >= 1 and limited.json()["error"]["details"]["retry_after_ms"] > 0
    form = {"username": "guessed", "password": "x", "csrf": headers["X-CSRF-Token"]}
    page = stranger.post("/login", data=form, headers={"Origin": hub.origin})
    assert page.status_code == 429 and 'data-retry="' in page.text


def test_pages_are_for_their_roles(hub: Serving, stranger: httpx.Client) -> None:
    lead = {"/agent", "/supervisor", "/calls", "/callbacks"}
    allowed = {"ann": {"/agent"}, "sue": lead, "roy": lead | {"/admin"}}
    for name, pages in allowed.items():
        browser = hub.sign_in(name)
        for path in ("/agent", "/supervisor", "/calls", "/callbacks", "/admin"):
            page = browser.http.get(path, headers={"Accept": "text/html"})
            assert page.status_code == (200 if path in pages else 403)
            assert path in pages or "not for your role" in page.text
    answer = stranger.get("/admin?tab=users")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fadmin%3Ftab%3Dusers")


def test_the_page_says_who_one_is(hub: Serving) -> None:
    page = hub.sign_in("ann").http.get("/agent")
    found = re.search(r'<script type="application/json" id="boot">(.*?)</script>', page.text)
    assert found
    boot = json.loads(found[1])
    assert boot["me"]["username"] == "ann" and "contact.handle" in boot["me"]["permissions"]
    assert boot["csrf"] == token_of(page) and boot["locale"] == "en"
    assert all(url.startswith("/static/") for url in boot["assets"].values())


def test_names_are_inert_in_the_page(hub: Serving) -> None:
    user = hub.user("mallory", Role.AGENT)
    named = replace(user, name="</script><img src=x onerror=alert(1)>")
    hub.run(hub.application.auth.change_user(named, version=user.version, by="x"))
    page = hub.sign_in("mallory").http.get("/agent").text
    assert "<img" not in page and page.count("</script>") == page.count("<script")


# --- signing out ---------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session(hub: Serving, stranger: httpx.Client) -> None:
    browser = hub.sign_in("ann")
    cookie = {"Cookie": f"ch_session={browser.http.cookies['ch_session']}"}
    assert error_of(browser.http.post("/logout", json={})) == "auth.csrf"
    assert (
        error_of(browser.request("POST", "/logout", json={}, headers={"Origin": "https://evil.example"}))
        == "auth.origin"
    )
    assert stranger.get("/api/v1/me", headers=cookie).status_code == 200
    assert browser.request("POST", "/logout", json={}).status_code == 204
    assert "ch_session" not in browser.http.cookies
    assert stranger.get("/api/v1/me", headers=cookie).status_code == 401
    assert browser.request("POST", "/logout", json={}).status_code == 204, "once more does no harm"


def test_signing_out_cuts_the_socket(hub: Serving) -> None:
    """The desktop's socket is gone at once, and its cookie opens no other."""
    browser = hub.sign_in("ann")
    cookie = {"Cookie": f"ch_session={browser.http.cookies['ch_session']}"}
    auth = {"window": "window-1", "csrf": browser.csrf}

    async def play() -> None:
        gone = asyncio.Event()
        client = socketio.AsyncClient(reconnection=False)
        client.on("disconnect", lambda *_: gone.set(), namespace="/agent")
        await client.connect(hub.origin, headers=cookie, auth=auth, namespaces=["/agent"], transports=["websocket"])
        assert not gone.is_set()
        await asyncio.to_thread(browser.request, "POST", "/logout", json={})
        await asyncio.wait_for(gone.wait(), 5)
        await client.disconnect()
        again = socketio.AsyncClient(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await again.connect(hub.origin, headers=cookie, auth=auth, namespaces=["/agent"], transports=["websocket"])
        await again.disconnect()

    asyncio.run(play())


def test_sockets_of_other_sites_are_refused(hub: Serving) -> None:
    """By either transport, and by its own cookie's browser."""
    browser = hub.sign_in("ann")
    evil = {"Origin": "https://evil.example"}
    for method, address in (("GET", "/socket.io/?EIO=4&transport=polling"), ("POST", "/socket.io/?EIO=4&sid=x")):
        answer = browser.http.request(method, address, headers=evil)
        assert (answer.status_code, error_of(answer)) == (403, "auth.origin")
    headers = {"Cookie": f"ch_session={browser.http.cookies['ch_session']}", **evil}

    async def play() -> None:
        client = socketio.AsyncClient(reconnection=False)
        auth = {"window": "w-12345", "csrf": browser.csrf}
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(
                hub.origin, headers=headers, auth=auth, namespaces=["/agent"], transports=["websocket"]
            )
        await client.disconnect()

    asyncio.run(play())


# --- where from ----------------------------------------------------------------------------------------------------


def test_only_trusted_proxies_say_whom_they_bring(hub: Serving) -> None:
    """From 127.0.0.1, which is no proxy of ours, X-Forwarded-For changes nothing: the audit names the true address."""
    browser = Browser(hub)
    browser.http.headers["X-Forwarded-For"] = "203.0.113.9"
    assert browser.sign_in("ann", PASSWORD).status_code == 200
    assert _last_address(hub) == "127.0.0.1"
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(
        base_url=hub.origin, transport=transport, headers={"Origin": hub.origin, "X-Forwarded-For": "203.0.113.9"}
    ) as client:
        token = token_of(client.get("/login"))
        body = {"username": "ann", "password": PASSWORD}
        assert client.post("/login", json=body, headers={"X-CSRF-Token": token}).status_code == 200
    assert _last_address(hub) == "203.0.113.9"


def _last_address(hub: Serving) -> str:
    entries = hub.run(hub.application.store.configs.audit_log(limit=20))
    entry = next(entry for entry in entries if entry.action == "auth.signed_in")
    return str((entry.after or {})["address"])


def test_metrics_are_for_this_machine_and_for_programs(hub: Serving) -> None:
    transport = httpx.HTTPTransport(local_address="127.0.0.3")
    with httpx.Client(base_url=hub.origin, transport=transport) as client:
        assert client.get("/metrics").status_code == 401
        roy = hub.run(hub.application.store.accounts.user("us_roy"))
        ann = hub.run(hub.application.store.accounts.user("us_ann"))
        assert roy is not None and ann is not None
        assert client.get("/metrics", headers={"Authorization": f"Bearer {hub.token(ann)}"}).status_code == 403
        text = client.get("/metrics", headers={"Authorization": f"Bearer {hub.token(roy)}"}).text
    with hub.client() as here:
        assert here.get("/metrics").status_code == 200
    for name in (
        "contacthub_http_requests_total", "contacthub_events_total", "contacthub_offers", "contacthub_reader_lag",
        "contacthub_queue_waiting", "contacthub_queue_longest_wait_seconds", "contacthub_sockets",
        "contacthub_waiting_writes", "process_resident_memory_bytes", "contacthub_reader_failures",
    ):  # fmt: skip
        assert f"# TYPE {name}" in text, name


def test_health(stranger: httpx.Client) -> None:
    assert stranger.get("/healthz").text == "ok\n"
    ready = stranger.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"store": "ok", "bus": "ok", "dispatcher": "ok"}


def test_readiness_fails_with_its_parts(tmp_path: Path) -> None:
    with serving(tmp_path) as running, running.client() as client:

        async def broken() -> None:
            raise RuntimeError("password=hunter2")

        running.application.web.checks = {**running.application.web.checks, "bus": broken}
        answer = client.get("/readyz")
        assert answer.status_code == 503 and answer.json()["checks"]["bus"] == "failed"
        assert "hunter2" not in answer.text, "strangers read this"
        assert client.get("/healthz").status_code == 200


def test_programs_that_ask_too_often_wait(tmp_path: Path) -> None:
    with serving(tmp_path, security={"requests_per_minute": 5}) as running:
        user = running.user("ann", Role.AGENT)
        with running.client(headers={"Authorization": f"Bearer {running.token(user)}"}) as client:
            answers = [client.get("/api/v1/me") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) <= 60


def test_rotation_reaches_the_browser(tmp_path: Path) -> None:
    with serving(tmp_path, security={"session_rotate_s": 1}) as running:
        running.user("ann", Role.AGENT)
        browser = running.sign_in("ann")
        before = browser.http.cookies["ch_session"]
        running.run(asyncio.sleep(1.1))
        assert browser.http.get("/api/v1/me").status_code == 200
        after = browser.http.cookies["ch_session"]
        assert after != before
        assert browser.http.get("/api/v1/me").status_code == 200
        with running.client() as client:
            late = client.get("/api/v1/me", headers={"Cookie": f"ch_session={before}"})
            assert late.status_code == 200, "a request that was under way with the old one"
