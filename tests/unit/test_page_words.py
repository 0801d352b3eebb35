"""The words of our pages: whole in every language, and each used by the sources and defined for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.peers import CHECKOUT

LOCALES = CHECKOUT / "agent_ui" / "locales"
SOURCES = CHECKOUT / "agent_ui" / "src"
AREAS = sorted({path.name.split(".")[0] for path in LOCALES.glob("*.json")})
LANGUAGES = sorted({path.name.removesuffix(".json").split(".", 1)[1] for path in LOCALES.glob("*.json")} - {"en"})

Words = dict[str, str | dict[str, str]]


def words(area: str, language: str) -> Words:
    loaded: Words = json.loads((LOCALES / f"{area}.{language}.json").read_text())
    return loaded


def placeholders(entry: str | dict[str, str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", json.dumps(entry, ensure_ascii=False)))


def source(*folders: str) -> str:
    files: list[Path] = [path for folder in folders for path in sorted((SOURCES / folder).rglob("*.ts*"))]
    return "".join(path.read_text() for path in files)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("area", AREAS)
def test_every_language_says_the_same(area: str, language: str) -> None:
    english, other = words(area, "en"), words(area, language)
    assert other.keys() == english.keys()
    for key, entry in english.items():
        assert isinstance(other[key], dict) == isinstance(entry, dict), key
        # A plural form may leave its count out: "one" of some languages says it in words.
        assert placeholders(other[key]) | {"count"} == placeholders(entry) | {"count"}, key


def test_what_the_desktop_says_is_defined() -> None:
    code = source("agent", "common")
    said = set(re.findall(r'\btx?\(\s*"((?:agent|common|phone)\.[\w.]+)"', code))
    said |= set(re.findall(r'[?:] "((?:agent|common|phone)\.[\w.]+)"', code))
    assert said <= {key for area in ("agent", "common", "phone", "mail") for key in words(area, "en")}


@pytest.mark.parametrize("area", ["agent", "phone", "mail", "cobrowse"])
def test_the_desktop_has_no_words_that_it_never_says(area: str) -> None:
    code = source("agent")
    said = set(re.findall(rf'"({area}\.[\w.]+)"', code))
    made = tuple(re.findall(rf"`({area}\.[\w.]*)\$\{{", code))
    assert {key for key in words(area, "en") if key not in said and not key.startswith(made)} == set()


def test_calls_have_the_words_that_are_said_of_them() -> None:
    code = source("agent/record", "calls")
    defined = words("calls", "en").keys()
    said = set(re.findall(r'"(calls\.[\w.]+)"', code))
    made = tuple(re.findall(r"`(calls\.[\w.]*)\$\{", code)) + tuple(f"{each}." for each in said)
    whole = {key for key in said if not any(other.startswith(f"{key}.") for other in defined)}
    assert whole <= defined
    assert {key for key in defined if key not in said and not key.startswith(made)} == set()


def test_the_records_of_calls_say_what_is_defined() -> None:
    code = source("calls")
    defined = words("records", "en").keys()
    said = set(re.findall(r'"(records\.[\w.]+)"', code))
    made = tuple(re.findall(r"`(records\.[\w.]*)\$\{", code))
    assert said <= defined
    assert {key for key in defined if key not in said and not key.startswith(made)} == set()
