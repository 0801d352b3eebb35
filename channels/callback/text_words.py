"""What text messages about callbacks say: short, without what was typed into a form, in the customer's language."""

from __future__ import annotations

from channels.callback.notice_words import Kind

TEXTS: dict[str, dict[Kind, str]] = {
    "en": {
        "slot": "We will call you {when}.",
        "soon": "We will call you as soon as one of us is free.",
        "reminder": "We will call you {when}.",
        "closed": "We tried to call you and could not reach you. You can ask for another call on our website.",
        "cancelled": "We will not call you {when}: that was cancelled.",
    },
    "zh": {
        "slot": "我们将于{when}给您打电话。",
        "soon": "一有客服空闲，我们就会给您打电话。",
        "reminder": "我们将于{when}给您打电话。",
        "closed": "我们曾给您打电话，但未能联系到您。您可以在网站上再次预约回电。",
        "cancelled": "原定于{when}的回电已取消。",
    },
    "ar": {
        "slot": "سنتصل بك {when}.",
        "soon": "سنتصل بك حالما يتفرغ أحدنا.",
        "reminder": "سنتصل بك {when}.",
        "closed": "حاولنا الاتصال بك ولم نتمكن من الوصول إليك. يمكنك طلب مكالمة أخرى من موقعنا.",
        "cancelled": "لن نتصل بك {when}: فقد أُلغي ذلك.",
    },
}


def text_of(kind: Kind, language: str, *, house: str, when: str) -> str:
    """`language` is one that `notice_words.spoken` gives, `house` who writes; there is none for a code."""
    text = TEXTS[language][kind].format(when=when)
    return f"{house}: {text}" if house else text
