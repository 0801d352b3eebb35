"""What mails about callbacks say, in the customer's language and by his own clock: texts, values in, no clock read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from hub.config_rows import zone as zone_of
from hub.model import Millis

Kind = Literal["code", "slot", "soon", "reminder", "closed", "cancelled"]

SUBJECTS: dict[str, dict[Kind, str]] = {
    "en": {
        "code": "Your code for the callback {reference}",
        "slot": "We will call you back ({reference})",
        "soon": "We will call you back ({reference})",
        "reminder": "We call you soon ({reference})",
        "closed": "We could not reach you ({reference})",
        "cancelled": "Your callback is cancelled ({reference})",
    },
    "zh": {
        "code": "回电 {reference} 的验证码",
        "slot": "我们将给您回电（{reference}）",
        "soon": "我们将给您回电（{reference}）",
        "reminder": "我们即将给您回电（{reference}）",
        "closed": "我们未能联系到您（{reference}）",
        "cancelled": "您的回电已取消（{reference}）",
    },
    "ar": {
        "code": "رمز تأكيد المكالمة {reference}",
        "slot": "سنعاود الاتصال بك ({reference})",
        "soon": "سنعاود الاتصال بك ({reference})",
        "reminder": "سنتصل بك قريبًا ({reference})",
        "closed": "لم نتمكن من الوصول إليك ({reference})",
        "cancelled": "تم إلغاء معاودة الاتصال بك ({reference})",
    },
}
BODIES: dict[str, dict[Kind, str]] = {
    "en": {
        "code": "Somebody asked us to call {phone}. If it was you, type this code into the form:\n\n{code}\n\n"
        "It is good for half an hour. If it was not you, nothing needs to be done: nobody is called.",
        "slot": "We will call you at {phone} {when}.",
        "soon": "We will call you at {phone} as soon as one of us is free.",
        "reminder": "We will call you at {phone} {when}.",
        "closed": "We tried to call you at {phone} and could not reach you. You can ask for another call on our "
        "website, or answer this mail.",
        "cancelled": "We will not call you at {phone} {when}: that was cancelled.",
    },
    "zh": {
        "code": "有人请我们致电 {phone}。如果是您本人，请在表单中填写以下验证码：\n\n{code}\n\n"
        "验证码半小时内有效。如果不是您本人，无需理会，我们不会拨打电话。",
        "slot": "我们将于{when}拨打 {phone} 与您联系。",
        "soon": "一有客服空闲，我们就会拨打 {phone} 与您联系。",
        "reminder": "我们将于{when}拨打 {phone} 与您联系。",
        "closed": "我们曾拨打 {phone}，但未能联系到您。您可以在网站上再次预约回电，或直接回复此邮件。",
        "cancelled": "原定于{when}拨打 {phone} 的回电已取消。",
    },
    "ar": {
        "code": "طلب أحدهم منا الاتصال بالرقم \u2066{phone}\u2069. إن كنت أنت من طلب ذلك فاكتب هذا الرمز في النموذج:"
        "\n\n{code}\n\nالرمز صالح لمدة نصف ساعة. وإن لم تكن أنت فلا داعي لفعل شيء: لن نتصل بأحد.",
        "slot": "سنتصل بك على الرقم \u2066{phone}\u2069 {when}.",
        "soon": "سنتصل بك على الرقم \u2066{phone}\u2069 حالما يتفرغ أحدنا.",
        "reminder": "سنتصل بك على الرقم \u2066{phone}\u2069 {when}.",
        "closed": "حاولنا الاتصال بك على الرقم \u2066{phone}\u2069 ولم نتمكن من الوصول إليك. يمكنك طلب مكالمة أخرى "
        "من موقعنا أو الرد على هذه الرسالة.",
        "cancelled": "لن نتصل بك على الرقم \u2066{phone}\u2069 {when}: فقد أُلغي ذلك.",
    },
}
LINKS = {
    "en": "See how it stands, choose another time or cancel it here:",
    "zh": "您可以在此查看状态、更改时间或取消：",
    "ar": "يمكنك هنا معرفة الحالة أو اختيار وقت آخر أو الإلغاء:",
}
REFERENCES = {
    "en": "Your reference is {reference}.",
    "zh": "您的编号是 {reference}。",
    "ar": "رقمك المرجعي هو {reference}.",
}
TITLES = {"en": "{name} calls you", "zh": "{name} 给您回电", "ar": "مكالمة من {name}"}
_WHEN = {
    "en": "on {day} between {start} and {end} ({zone})",
    "zh": "{day} {start} 至 {end}（{zone}）",
    "ar": "يوم {day} بين {start} و{end} ({zone})",
}
_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
}
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
    "ar": ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر",
           "ديسمبر"),
}  # fmt: skip


def spoken(language: str) -> str:
    """Of the languages that there are texts in, the one for a customer's: its main one, else English."""
    main = language.lower().partition("-")[0]
    return main if main in SUBJECTS else "en"


def day_of(moment: datetime, language: str) -> str:
    weekday = _DAYS[language][moment.weekday()]
    if language == "zh":
        return f"{moment.year}年{moment.month}月{moment.day}日（{weekday}）"
    month = _MONTHS[language][moment.month - 1]
    return f"{weekday}{'،' if language == 'ar' else ','} {moment.day} {month} {moment.year}"


def when_of(start: Millis, end: Millis, zone: str, language: str) -> str:
    """A slot by the clocks of a zone, whose offset is named: in the night in which clocks are set back an hour comes
    twice. Reads the zone's file when it is asked for first. `language` is one that `spoken` gives."""
    first, last = (datetime.fromtimestamp(at / 1000, UTC).astimezone(zone_of(zone)) for at in (start, end))
    offset = first.utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    name = f"{zone}, UTC{sign}{abs(minutes) // 60}" + (f":{abs(minutes) % 60:02}" if minutes % 60 else "")
    return _WHEN[language].format(day=day_of(first, language), start=f"{first:%H:%M}", end=f"{last:%H:%M}", zone=name)


def subject_of(kind: Kind, language: str, reference: str) -> str:
    return SUBJECTS[language][kind].format(reference=reference)


def body_of(kind: Kind, language: str, values: Mapping[str, str], *, link: str, house: str) -> str:
    """The whole text; without a `link` it names none."""
    lines = [BODIES[language][kind].format(**values)]
    if kind != "code":
        lines.append(REFERENCES[language].format(**values))
    if link and kind in ("slot", "soon", "reminder"):
        lines.append(f"{LINKS[language]}\n{link}")
    return "\n\n".join([*lines, house, ""])
