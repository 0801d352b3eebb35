"""The shop's pictures, drawn at the first request from a few SVG shapes (templates/art).

A picture is named by what it shows: `kyusu-ash-close` is the scene `kyusu-close` in the glaze `ash`. The set of
names is closed, so that a made-up one is a 404 and the cache cannot grow.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

GLAZES: Final = ("tenmoku", "ash", "celadon")

_COLOURS: Final[Mapping[str, object]] = {
    # from the lit edge to the shadow
    "glazes": {
        "tenmoku": ("#6b4a37", "#3e2a21", "#211713"),
        "ash": ("#fbf6ec", "#e6dccb", "#bfb19b"),
        "celadon": ("#a9c2a6", "#7b987b", "#4d6850"),
        "raw": ("#d8b493", "#c0936b", "#94683f"),  # not glazed yet
    },
    "inks": {"tenmoku": "#1c130f", "ash": "#9d8f7a", "celadon": "#43594a", "raw": "#7d5836"},
    "lips": {"tenmoku": "#8a5a3c", "ash": "#efe7d8", "celadon": "#c5d6c0"},
    "veils": {"tenmoku": "#a8663c", "ash": "#b9b39a", "celadon": "#dbe5d3"},
    "shines": {"tenmoku": ".13", "ash": ".5", "celadon": ".24", "raw": ".1"},
    "lacquers": {
        "moss": ("#5c7560", "#7f9a80", "#41573f"),
        "rust": ("#8f4a2a", "#b86f45", "#6b3219"),
        "straw": ("#a58a4a", "#cdb377", "#806830"),
        "plum": ("#6a3f47", "#8d5b63", "#482830"),
    },
    "lids": {
        "moss": ("#8faa8e", "#7d987d"),
        "rust": ("#c98a63", "#b5734b"),
        "straw": ("#dcc894", "#c9b27a"),
        "plum": ("#a5757d", "#8f6068"),
    },
}
_TEAS: Final = {
    "sencha": {"lacquer": "moss", "ink": "#3c4f3a", "tea": "#9aa45c"},
    "hojicha": {"lacquer": "rust", "ink": "#6b3219", "tea": "#a5683a"},
    "genmaicha": {"lacquer": "straw", "ink": "#6d5826", "tea": "#b7ad62"},
    "oolong": {"lacquer": "plum", "ink": "#56323a", "tea": "#c9a253"},
}
_LABELS: Final = {
    "en": {"sencha": "Sencha", "hojicha": "Hojicha", "genmaicha": "Genmaicha", "oolong": "Oolong"},
    "zh": {"sencha": "煎茶", "hojicha": "焙茶", "genmaicha": "玄米茶", "oolong": "乌龙"},
}
_VESSELS: Final = {
    "kyusu": ("kyusu", "kyusu-close", "kyusu-tray"),
    "dobin": ("dobin", "dobin-cups"),
    "gaiwan": ("gaiwan", "gaiwan-cups"),
    "cups": ("cups", "cups-close", "cups-tray"),
    "chawan": ("chawan", "chawan-close", "chawan-whisk"),
}
_PLAIN: Final = ("bowl", "bowl-close", "tray", "tray-set", "whisk", "kiln", "wheel", "drying", "parcel")


def _scenes() -> dict[str, dict[str, object]]:
    """Every picture there is, with what its template is given."""
    scenes: dict[str, dict[str, object]] = {name: {"scene": name} for name in _PLAIN}
    for vessel, views in _VESSELS.items():
        for glaze in GLAZES:
            for view in views:
                name = f"{vessel}-{glaze}{view.removeprefix(vessel)}"
                scenes[name] = {"scene": view, "glaze": glaze}
    for language, labels in _LABELS.items():
        suffix = "" if language == "en" else f"-{language}"
        for tea, look in _TEAS.items():
            for view in ("", "-cup", "-bowl"):
                scenes[f"{tea}{view}{suffix}"] = {"scene": f"tin{view}", "label": labels[tea], **look}
        for wide in ("home", "studio"):
            scenes[wide + suffix] = {"scene": wide, "labels": labels, "width": 1200, "height": 900, "horizon": 580}
    return scenes


_SCENES: Final = _scenes()
NAMES: Final = frozenset(_SCENES)

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(_COLOURS)


def localised(name: str, language: str) -> str:
    """The name of a picture in a language: only tins bear words, everything else is one picture for all."""
    return f"{name}-{language}" if f"{name}-{language}" in NAMES else name


@cache
def draw(name: str) -> str:
    """The SVG document of a picture; KeyError for a name that is not in NAMES."""
    parameters = {"width": 600, "height": 520, "horizon": 354, **_SCENES[name]}
    return _environment.get_template("art/scene.svg").render(parameters)
