"""What the loader and the panel are given of a site: colours, words, invitations, all in the visitor's language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from widget.palette import Shades, palette
from widget.words import Words, pick

Json = dict[str, Any]

_CSS: Final = Path(__file__).parent / "launcher.css"
_INK: Final = {
    "light": "--surface:#ffffff;--text:#14202b;--text-2:#4b5a68;--line:#e1e5e8;--danger:#b42318;--info:#1d5fbf;",
    "dark": "--surface:#161e24;--text:#e8edf1;--text-2:#b3bfc9;--line:#2c3841;--danger:#f2867d;--info:#7fb0f2;",
}
_ICONS: Final = {
    "chat": [
        "M4.5 6.5a3 3 0 0 1 3-3h9a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H11l-4.2 3.6c-.5.4-1.3.1-1.3-.6v-3.3a3 3 0 0 1-1-2.7z",
        "M8.5 8.2h7M8.5 11.2h4.4",
    ],
    "email": [
        "M6 5.5h12A2.5 2.5 0 0 1 20.5 8v8a2.5 2.5 0 0 1-2.5 2.5H6A2.5 2.5 0 0 1 3.5 16V8A2.5 2.5 0 0 1 6 5.5z",
        "M4.5 7.5l6.3 4.9c.7.5 1.7.5 2.4 0l6.3-4.9",
    ],
}


class Settings:
    """Reads the launcher's style sheet once; everything else comes from the site as it is now."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._css = _compact(_CSS.read_text(encoding="utf-8"))

    def launcher(self, site: Json, wanted: str) -> Json:
        """LauncherSettings of widget/src/bridge.ts, from SitePublic and the language asked for."""
        locale = self._words.choose(wanted, site["locale"], site["locales"])
        strings = self._words.languages[locale]
        theme = site["theme"]
        open_ = bool(site["channels"].get("chat", {}).get("open"))
        own = pick(theme["launcher"], locale, site["locale"])
        launch = (own or strings["launch"]) if open_ else strings["email"]
        return {
            "words": {
                "locale": locale,
                "dir": strings["_"]["dir"],
                "launch": launch,
                "label": launch,
                "title": strings["title"],
                "dismiss": strings["close"],
                "failed": strings["failed"],
                "retry": strings["retry"],
            },
            "css": self._style(theme),
            "icon": _ICONS["chat" if open_ else "email"],
            "look": ["s" if theme["position"] == "start" else "", "" if open_ else "q"],
            "page_info": site["page_info"],
            "invitations": [
                {
                    "id": invitation["id"],
                    "after_s": invitation["after_s"],
                    "url_pattern": invitation.get("url_pattern") or "*",
                    "text": text,
                }
                for invitation in site["invitations"]
                if open_ and (text := pick(invitation["text"], locale, site["locale"]))
            ],
        }

    def boot(self, site: Json, wanted: str) -> Json:
        """Boot of widget/src/wire.ts but for the worker: what the panel's first picture needs."""
        locale = self._words.choose(wanted, site["locale"], site["locales"])
        theme = {**site["theme"], "palette": palette(site["theme"]["accent"])}
        return {
            "site": {**site, "theme": theme},
            "locale": locale,
            # What only e-mail, callbacks and shared pages say comes with their parts of the panel.
            "strings": {
                key: text
                for key, text in self._words.languages[locale].items()
                if not key.startswith(("mail_", "cb_", "share_"))
            },
            "languages": [
                {"locale": tag, "name": self._words.name(tag)} for tag in self._words.offered(site["locales"])
            ],
        }

    def _style(self, theme: Json) -> str:
        shades = palette(theme["accent"])
        scheme = theme["scheme"]
        first = "dark" if scheme == "dark" else "light"
        light = _INK[first] + _vars(shades[first], first)
        dark = ""
        if scheme == "auto":
            dark = f"@media(prefers-color-scheme:dark){{.r{{{_INK['dark']}{_vars(shades['dark'], 'dark')}}}}}"
        frame = "light dark" if scheme == "auto" else scheme
        return self._css.replace("@light", light).replace("@dark", f"{dark}iframe{{color-scheme:{frame}}}")


def _vars(shades: Shades, scheme: str) -> str:
    return f"--accent:{shades['accent']};--hover:{shades['hover']};--on:{shades['on']};color-scheme:{scheme};"


def _compact(css: str) -> str:
    """Without comments and the space that only people need."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};]) ?", r"\1", css).strip()
