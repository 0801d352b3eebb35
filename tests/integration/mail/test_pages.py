"""A mail's own pages over HTTP: who may have them, under which policy, and what is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import httpx
import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image

from tests.integration.mail.office import Office, office
from tests.integration.mail.test_pictures import png

HTML = '<p>It <b>left</b>.</p><p><img src="https://tracker.example/a.png" height="90"></p><script>alert(1)</script>'


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as found:
        await found.mailbox(1, outbound={"kind": "demo"})
        yield found


async def get(house: Office, path: str, who: str | None = "agent", method: str = "GET") -> httpx.Response:
    headers = {} if who is None else {"Authorization": f"Bearer {house.tokens[who]}"}
    async with httpx.AsyncClient(base_url=house.serving.origin, trust_env=False, timeout=30) as client:
        return await client.request(method, path, headers=headers)


async def upload(house: Office, contact: str, content: bytes, name: str, who: str = "agent") -> httpx.Response:
    headers = {"Authorization": f"Bearer {house.tokens[who]}", "X-Contact": contact, "X-File-Name": quote(name)}
    async with httpx.AsyncClient(base_url=house.serving.origin, trust_env=False, timeout=30) as client:
        return await client.post("/api/v1/files", content=content, headers=headers)


async def test_the_page_is_harmless_and_for_those_who_see_the_contact(house: Office) -> None:
    mail = await house.written(html=HTML)
    page = await get(house, f"/mails/{mail['id']}/html")
    assert page.status_code == 200 and "<b>left</b>" in page.text
    assert "<script" not in page.text and "tracker.example" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src ") and "sandbox allow-popups" in policy
    assert f"{house.serving.origin}/mails/{mail['id']}/image" in policy and "script" not in policy
    assert page.headers["referrer-policy"] == "no-referrer" and page.headers["x-dns-prefetch-control"] == "off"
    head = await get(house, f"/mails/{mail['id']}/html", method="HEAD")
    assert head.headers["x-mail-remote"] == "1" and int(head.headers["x-mail-height"]) > 0 and not head.content
    with_images = await get(house, f"/mails/{mail['id']}/html?images=1")
    assert "tracker.example" not in with_images.text and "/image?remote=" in with_images.text
    quoted = (await get(house, f"/mails/{mail['id']}/quoted")).json()["html"]
    assert "<b>left</b>" in quoted and "<script" not in quoted

    for path in ("html", "quoted", "raw"):
        for who, status in ((None, 401), ("stranger", 403)):
            assert (await get(house, f"/mails/{mail['id']}/{path}", who)).status_code == status, (path, who)
        for id in ("ma_none", "..%2f..%2fetc", "x" * 100):
            assert (await get(house, f"/mails/{id}/{path}")).status_code == 404, (path, id)
    assert (await get(house, f"/mails/{mail['id']}/image")).status_code == 403
    listed = await house.rest("GET", f"/contacts/{mail['contact']}/mails")
    assert [item["id"] for item in listed.json()["items"]] == [mail["id"]]
    assert (await house.rest("GET", f"/contacts/{mail['contact']}/mails", "stranger")).status_code == 403


async def test_a_picture_of_the_mail_needs_its_signature_and_no_cookie(house: Office) -> None:
    draft = "draft:composer-1234"
    sent = await upload(house, draft, png(), "lamp.png")
    assert sent.status_code == 201, sent.text
    file = sent.json()["file"]["id"]
    # A draft's files are its author's alone.
    assert (await get(house, f"/files/{file}")).status_code == 200
    assert (await get(house, f"/files/{file}", "other")).status_code == 403
    assert (await get(house, f"/files/{file}", "lead")).status_code == 403
    assert (await upload(house, "draft:short", png(), "x.png")).status_code == 404

    mail = await house.written(html=f'<p>x<img src="/files/{file}"></p>')
    page = (await get(house, f"/mails/{mail['id']}/html")).text
    address = re.search(r'src="(/mails/[^"]+)"', page)
    assert address is not None
    path = address[1].replace("&amp;", "&")
    picture = await get(house, path, None)
    assert picture.status_code == 200 and picture.content == png()
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cross-origin-resource-policy"] == "cross-origin", "the frame that asks has no origin"
    assert "sandbox" in picture.headers["content-security-policy"]
    for changed in (path.replace("proof=", "proof=0"), path.replace("until=1", "until=2"), path.replace("file=", "x=")):
        assert (await get(house, changed, None)).status_code == 403


async def test_pages_of_a_pdf_are_pictures(house: Office) -> None:

    document = pypdfium2.PdfDocument.new()
    for _ in range(2):
        document.new_page(200, 100)
    out = BytesIO()
    document.save(out)
    draft = "draft:composer-1234"
    file = (await upload(house, draft, out.getvalue(), "a.pdf")).json()["file"]["id"]
    page = await get(house, f"/files/{file}/page/2")
    assert page.status_code == 200 and page.headers["x-pages"] == "2" and page.headers["content-type"] == "image/webp"
    assert Image.open(BytesIO(page.content)).size == (1200, 600)
    assert (await get(house, f"/files/{file}/page/3")).status_code == 415
    assert (await get(house, f"/files/{file}/page/1", "other")).status_code == 403
    broken = (await upload(house, draft, b"%PDF-1.4\nnothing of it", "b.pdf")).json()["file"]["id"]
    assert (await get(house, f"/files/{broken}/page/1")).status_code == 415
    picture = (await upload(house, draft, png(), "c.png")).json()["file"]["id"]
    assert (await get(house, f"/files/{picture}/page/1")).status_code == 404
