"""What the widget is told of a site: colours that can be read, and words in every language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.peers import CHECKOUT
from widget.palette import contrast, palette
from widget.words import LOCALES, Words


@pytest.mark.parametrize("accent", ["#0b6e63", "#ffcc00", "#000000", "#ffffff", "#e91e63", "#7fffd4", "#1d5fbf"])
def test_any_accent_can_be_read(accent: str) -> None:
    for scheme, shades in palette(accent).items():
        surface = "#161e24" if scheme == "dark" else "#ffffff"
        for front, back in (("accent", surface), ("accent", shades["soft"]), ("on", shades["accent"])):
            assert contrast(shades[front], back if back.startswith("#") else shades[back]) >= 4.5, (scheme, front)
        assert contrast(shades["on"], shades["hover"]) >= 4.5, scheme


def test_every_language_has_every_sentence_with_the_same_values() -> None:
    words = Words()
    english = json.loads((LOCALES / "en.json").read_text())

    def values(sentence: object) -> set[str]:
        text = json.dumps(sentence, ensure_ascii=False)
        return set(re.findall(r"\{(\w+)\}", text))

    for path in sorted(LOCALES.glob("*.json")):
        strings = json.loads(path.read_text(encoding="utf-8"))
        assert set(strings) == set(english), path.name
        assert strings["_"]["dir"] in ("ltr", "rtl")
        for key, sentence in english.items():
            extra = {"n"} if isinstance(sentence, dict) else set()
            assert values(strings[key]) - extra <= values(sentence), (path.name, key)
    assert words.choose("zh", "en", ["en", "zh-CN"]) == "zh-CN"
    assert words.choose("fr-FR", "zh-CN", ["en", "zh-CN"]) == "zh-CN"
    assert words.choose("AR-eg", "en", ["en", "ar"]) == "ar"


def test_a_language_file_that_is_put_there_is_offered(tmp_path: Path) -> None:
    for path in LOCALES.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "de.json").write_text('{"_": {"name": "Deutsch", "dir": "ltr"}, "title": "Sprechen Sie mit uns"}')
    words = Words(tmp_path)
    assert words.offered(["en", "de", "xx"]) == ["en", "de"]
    assert words.languages["de"]["title"] == "Sprechen Sie mit uns"
    assert words.languages["de"]["chat"] == "Chat", "what it lacks is said in English"


@pytest.mark.parametrize(("part", "prefix"), [("mail", "mail_"), ("callback", "cb_")])
def test_what_only_one_part_says_comes_with_it_and_all_of_it_is_said(part: str, prefix: str) -> None:
    source = Path("widget/src/panel")
    words = {key for key in json.loads((LOCALES / "en.json").read_text()) if key.startswith(prefix)}

    def named(paths: list[Path]) -> set[str]:
        return {key for path in paths for key in re.findall(rf'"({prefix}\w+)"', path.read_text())}

    own = sorted((CHECKOUT / source / part).glob("*.ts*"))
    others = [path for path in (CHECKOUT / source).rglob("*.ts*") if path not in own]
    assert named(own) == words
    assert named(others) == set()
