"""Uploaded files over a real server: who may have them, and that nothing in them can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from channels.chat.conversation import Conversations, StartInput
from hub.model import Role, Visitor
from tests.integration.serving import Serving, serving

HTML = b"<!doctype html><script>alert(document.cookie)</script>"


def png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (900, 600), "#0b6e63").save(out, "PNG")
    return out.getvalue()


@dataclass
class Side:
    """A visitor with his contact and the client that shows his token."""

    visitor: Visitor
    contact: str
    http: httpx.Client

    def send(self, content: bytes, name: str, type: str = "application/octet-stream", **headers: str) -> httpx.Response:
        given = {"X-Contact": self.contact, "X-File-Name": quote(name), "Content-Type": type, **headers}
        return self.http.post("/widget/files", content=content, headers=given)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder: Path = tmp_path_factory.mktemp("hub")
    with serving(folder) as running:
        running.put("queue", "support", name="Support", skills={"support": 1})
        running.put("queue", "sales", name="Sales", skills={"sales": 1})
        topics = [
            {"id": "support", "label": {"en": "Support"}, "queue": "support"},
            {"id": "sales", "label": {"en": "Sales"}, "queue": "sales"},
        ]
        files = {"max_bytes": 200_000, "types": ["image/*", "text/*", "application/pdf"]}
        running.put("site", "shop", name="Shop", topics=topics, files=files, prechat=[])
        running.user("ann", Role.AGENT, skills={"support": 3})
        running.user("ben", Role.AGENT, skills={"sales": 3})
        running.user("sue", Role.SUPERVISOR)
        yield running


def side(hub: Serving, client_id: str) -> Side:
    application = hub.application
    form = StartInput(client_id=client_id, topic="support", text="Hello")
    start = Conversations(application.hub).start("shop", None, form, "192.0.2.1", "")
    visitor, outcome = hub.run(start)
    token = application.hub.visitors.token(visitor)
    return Side(visitor, outcome.row.contact.id, hub.client(headers={"Authorization": f"Bearer {token}"}))


@pytest.fixture(scope="module")
def mara(hub: Serving) -> Iterator[Side]:
    made = side(hub, "mara-starts-1")
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def mallory(hub: Serving) -> Iterator[Side]:
    made = side(hub, "mallory-starts")
    yield made
    made.http.close()


def test_a_picture_goes_both_ways(hub: Serving, mara: Side) -> None:
    sent = mara.send(png(), "Paket vor der Tür.png", "image/png")
    assert sent.status_code == 201, sent.text
    file = sent.json()["file"]
    assert (file["name"], file["type"], file["width"], file["thumb"]) == (
        "Paket vor der Tür.png",
        "image/png",
        900,
        True,
    )
    ann = hub.sign_in("ann").http
    for reader in (mara.http, ann):
        whole = reader.get(f"/files/{file['id']}")
        assert whole.content == png() and whole.headers["content-type"] == "image/png"
        assert whole.headers["content-disposition"].startswith("inline;")
        assert whole.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert "private" in whole.headers["cache-control"]
        thumb = reader.get(f"/files/{file['id']}/thumb")
        assert thumb.headers["content-type"] == "image/webp" and max(Image.open(BytesIO(thumb.content)).size) <= 480


def test_files_are_for_those_they_concern(hub: Serving, mara: Side, mallory: Side) -> None:
    url = f"/files/{mara.send(png(), 'a.png').json()['file']['id']}"
    with hub.client() as stranger:
        assert stranger.get(url).status_code == 401
        assert stranger.get(url, headers={"Authorization": "Bearer forged"}).status_code == 401
    assert mallory.http.get(url).status_code == 403 and mallory.http.get(url + "/thumb").status_code == 403
    assert mallory.http.get("/files/fi_guessed").status_code == 403, "the same answer for what is not there"
    assert hub.sign_in("ann").http.get(url).status_code == 200
    assert hub.sign_in("ben").http.get(url).status_code == 403, "not his queue"
    assert hub.sign_in("sue").http.get(url).status_code == 200
    assert mara.http.get("/files/..%2f..%2fsecret.key").status_code in (403, 404)


def test_nobody_writes_into_the_conversation_of_another(hub: Serving, mara: Side, mallory: Side) -> None:
    refused = mallory.send(png(), "a.png", **{"X-Contact": mara.contact})
    assert refused.status_code in (403, 404)
    evil = mallory.send(png(), "a.png", Origin="https://evil.example")
    assert evil.status_code == 403
    ben = hub.sign_in("ben")
    headers = {"X-Contact": mara.contact, "X-File-Name": "a.png"}
    assert ben.request("POST", "/api/v1/files", content=png(), headers=headers).status_code == 403
    ann = hub.sign_in("ann")
    assert ann.http.post("/api/v1/files", content=png(), headers=headers).status_code == 403, "without the page's token"
    assert ann.request("POST", "/api/v1/files", content=png(), headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("content", "name", "type"),
    [
        (HTML, "picture.png", "image/png"),
        (HTML, "page.html", "text/html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "logo.svg", "image/svg+xml"),
        (b"%PDF-1.4\n<script>alert(1)</script>", "doc.pdf", "application/pdf"),
        (b"plain words", 'a"; filename=evil.html\r\nX-Bad: 1', "text/plain"),
    ],
)
def test_nothing_runs(mara: Side, content: bytes, name: str, type: str) -> None:
    """Whatever it says it is: it is refused, or it can only be saved."""
    sent = mara.send(content, name, type)
    if sent.status_code == 415:
        return
    assert sent.status_code == 201, sent.text
    answer = mara.http.get(f"/files/{sent.json()['file']['id']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"] and "x-bad" not in answer.headers


def test_limits_are_told(mara: Side) -> None:
    large = mara.send(b"x" * 200_001, "long.txt", "text/plain")
    assert (large.status_code, large.json()["error"]["code"]) == (413, "file.too_large")
    wrong = mara.send(b"PK\x03\x04" + b"\0" * 100, "a.zip", "application/zip")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (415, "file.type")
    empty = mara.send(b"", "a.txt", "text/plain")
    assert empty.status_code == 422
    nameless = mara.http.post("/widget/files", content=b"x", headers={"X-Contact": mara.contact})
    assert nameless.status_code == 422
