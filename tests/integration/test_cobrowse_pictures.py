"""Pictures of a shared page at the hub: who may ask for them, who gets them, and what is no picture."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.serving import Serving, serving
from tests.integration.test_cobrowse import CONFIG, code, furnish, ok, on_line, shared

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
NAME = hashlib.sha256(PNG).hexdigest()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("pictures"), **CONFIG) as served:
        furnish(served)
        yield served


def picture(body: bytes, name: str | None = None) -> dict[str, Any]:
    return {"hash": name or hashlib.sha256(body).hexdigest(), "body": base64.b64encode(body).decode()}


async def test_a_picture_goes_to_whoever_asked_for_it_and_once(hub: Serving) -> None:
    nadia, clara, contact, _ = await shared(hub, "picture-1")
    page, window = await on_line(hub, clara, contact), await on_line(hub, nadia, contact)
    assert ok(await page.call("cb:page", {"url": "https://shop.example/"}))["shared"]

    # What nobody has asked for goes nowhere; it comes before the one that somebody did.
    other = PNG + b"other"
    ok(await page.call("cb:picture", picture(other)))
    ok(await window.call("cb:want", {"hashes": [NAME, "nonsense"]}))
    assert (await clara.until(lambda event, _: event == "cb:want"))["hashes"] == [NAME]
    for _ in range(2):
        ok(await page.call("cb:picture", picture(PNG)))
    ok(await window.call("cb:want", {"hashes": [hashlib.sha256(other).hexdigest()]}))
    ok(await page.call("cb:picture", picture(other)))
    await nadia.until(lambda event, data: event == "cb:picture" and data["hash"] != NAME)
    got = [data["hash"] for event, data in nadia.heard if event == "cb:picture"]
    assert got == [NAME, hashlib.sha256(other).hexdigest()]

    # Drawings are asked for by the agent who sees the page.
    ok(await window.call("cb:stills", {}))
    await clara.until(lambda event, _: event == "cb:stills")

    # The other way round nobody may.
    for event, data in (("cb:want", {"hashes": [NAME]}), ("cb:stills", {})):
        assert code(await page.call(event, data)) == "cobrowse.not_yours"
    assert code(await window.call("cb:picture", picture(PNG))) == "cobrowse.elsewhere"
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    for wrong in (picture(svg), picture(PNG, "0" * 64), {"hash": NAME}, {}, None):
        assert code(await page.call("cb:picture", wrong)) == "input.invalid"
    assert code(await page.call("cb:picture", picture(PNG + bytes(200 * 1024)))) == "input.too_large"
    assert code(await window.call("cb:want", {"hashes": [NAME] * 40})) == "input.invalid"

    # On a page that is not shown nothing is taken.
    assert not ok(await page.call("cb:page", {"url": "https://shop.example/account.html"}))["shared"]
    assert code(await page.call("cb:picture", picture(PNG))) == "cobrowse.paused"
    assert code(await window.call("cb:stills", {})) == "cobrowse.not_allowed"
    for person in (nadia, clara):
        await person.close()
