"""Who waits for which picture of a shared page."""

from __future__ import annotations

import hashlib

import pytest

from channels.cobrowse.pictures import AGAIN_MS, LARGEST_PICTURE, MOST_WANTED, Picture, Wants, check
from hub.errors import InvalidInput, TooLarge

PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)


def named(body: bytes) -> Picture:
    return Picture(hashlib.sha256(body).hexdigest(), body)


def name(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def test_the_page_is_asked_once_for_all_who_want_a_picture() -> None:
    wants, picture = Wants(), named(PNG)
    assert wants.want("nadia", [picture.hash], 0) == [picture.hash]
    assert wants.want("omar", [picture.hash], 100) == []
    assert sorted(wants.take(picture)) == ["nadia", "omar"]
    assert wants.take(picture) == [], "nobody waits any more"


def test_it_is_asked_again_after_a_while() -> None:
    wants, picture = Wants(), named(PNG)
    wants.want("nadia", [picture.hash], 0)
    assert wants.want("nadia", [picture.hash], AGAIN_MS - 1) == []
    assert wants.want("nadia", [picture.hash], AGAIN_MS) == [picture.hash]
    assert wants.take(picture) == ["nadia"]


def test_what_was_not_wanted_goes_to_nobody() -> None:
    wants = Wants()
    assert wants.take(named(PNG)) == []
    assert wants.want("nadia", ["", "x", "A" * 64, "g" * 64], 0) == []


def test_a_viewer_waits_for_so_many_and_no_more() -> None:
    wants = Wants()
    asked = wants.want("nadia", [name(n) for n in range(MOST_WANTED + 5)], 0)
    assert asked == [name(n) for n in range(MOST_WANTED)]
    assert wants.want("omar", [name(MOST_WANTED)], 0) == [name(MOST_WANTED)]
    wants.leave("nadia")
    assert wants.want("nadia", [name(99)], 1) == [name(99)]


@pytest.mark.parametrize("body", [PNG, b"\xff\xd8\xff\xe0" + bytes(30), b"RIFF\0\0\0\0WEBPVP8 " + bytes(30)])
def test_pictures_of_three_kinds_pass(body: bytes) -> None:
    check(named(body))


@pytest.mark.parametrize("body", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(20), b"", b"<html>"])
def test_others_do_not(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        check(named(body))


def test_nor_do_bytes_of_another_name_or_too_many() -> None:
    with pytest.raises(InvalidInput):
        check(Picture("0" * 64, PNG))
    with pytest.raises(TooLarge):
        check(named(PNG + bytes(LARGEST_PICTURE)))
