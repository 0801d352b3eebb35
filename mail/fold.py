"""Where, in a mail's text, what its sender wrote ends: quoted mail and signatures begin in many ways."""

from __future__ import annotations

import re

_FROM = "From|Von|De|Da|Van|Od|От|Från|Fra|Kimden|发件人|發件人|寄件者|寄件人|发信人|差出人|送信者|보낸 ?사람|من"
_DATE = (
    "Sent|Date|Gesendet|Datum|Envoyé|Enviado(?: el)?|Fecha|Inviato|Data|Verzonden|Wysłano|Отправлено|Дата|Skickat"
    "|Sendt"
    "|发送时间|发送日期|發送時間|寄件日期|傳送時間|日期|时间|送信日時|日時|보낸 ?날짜|날짜|التاريخ"
)
_TO = "To|An|À|Para|A|Aan|Do|Кому|Till|Til|Kime|Cc|Kopie|收件人|收信人|收件者|抄送|副本|宛先|받는 ?사람|إلى|نسخة"
_SUBJECT = (
    "Subject|Betreff|Objet|Asunto|Assunto|Oggetto|Onderwerp|Temat|Тема|Ämne|Emne|Konu|主题|主題|主旨|标题|件名|제목"
)
_SUBJECT += "|الموضوع"
_LABELLED = re.compile(
    rf"[>*\s|]*(?:(?P<from>{_FROM})|(?P<date>{_DATE})|(?P<to>{_TO})"
    rf"|(?P<subject>{_SUBJECT}))[*\s]*[:：][*\s]*(?P<value>.*)",
    re.I,
)
_ORIGINAL = (
    r"original(?:[ -]?(?:message|nachricht|mail|e-mail|appointment))?|urspr(?:ü|ue)ngliche (?:nachricht|e?-?mail)"
    r"|replied message"
    r"|message d['’]origine|message original|mensaje original|mensagem original|messaggio originale"
    r"|oorspronkelijk bericht"
    r"|исходное сообщение|oryginalna wiadomość|原始邮件|原始郵件|原始信件|原邮件|邮件原件|回复的原邮件|回复的邮件"
    r"|元のメッセージ|원본 메시지"
)
_FORWARDED = (
    r"(?:begin )?forwarded (?:message|mail)|weitergeleitete (?:nachricht|mail)|message transféré|mensaje reenviado"
    r"|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht|пересылаемое сообщение|转发邮件信息|转发的邮件"
    r"|转发邮件|"
    r"轉寄郵件|轉寄信件|転送メッセージ|전달된 메시지|رسالة مُعاد توجيهها"
)
_SEPARATOR = re.compile(rf"[>\s]*[-_=]{{2,}}[\s\xa0]*(?:{_ORIGINAL})[\s\xa0]*[-_=]{{2,}}\s*", re.I)
_FORWARD = re.compile(
    rf"\s*[-_=]{{2,}}[\s\xa0]*(?:{_FORWARDED})[\s\xa0]*[-_=]{{2,}}\s*"
    r"|\s*(?:Begin forwarded message|Anfang der weitergeleiteten Nachricht|Début du message (?:réexpédié|transféré)"
    r"|Inicio del mensaje reenviado|Inizio messaggio inoltrato|开始转发的邮件|下面是被转发的邮件"
    r"|転送されたメッセージ)\s*[:：]\s*",
    re.I,
)
_RULE = re.compile(r"\s*(?:_{10,}|-{10,}|={10,})\s*")
# Attributions begin or end in one of these words; a date or an address stands between.
_MAYBE = re.compile(
    r"[>\s]*(?:On|Am|Le|El|Il|Em|Op|Den|Dne|W dniu|في|在|于|於|20\d\d)|.*(?:wrote|schrieb|写道|寫道|пишет|писал"
    r"|書きました|작성)",
    re.I,
)
_ATTRIBUTION = re.compile(
    r"[>\s]*(?:On\b.{6,400}\bwrote|Am\b.{6,300}\bschrieb\b.{0,200}|.{3,200}\bschrieb\b.{0,40}\b(?:am|um)\b.{4,60}"
    r"|Le\b.{6,300}\ba écrit|El\b.{6,300}\bescribió|Il\b.{6,300}\bha scritto|Em\b.{6,300}\bescreveu"
    r"|Op\b.{6,300}\bschreef\b.{0,200}|Den\b.{6,300}\bskrev\b.{0,200}|W dniu\b.{6,300}\b(?:pisze|napisał\(?a?\)?)"
    r"|.{6,300}(?:пишет|писал\(?а?\)?)|在.{4,300}(?:写道|寫道)|.{3,200}[于於]\s*\d{4}.{3,120}(?:写道|寫道)"
    r"|At \d{4}-\d\d-\d\d.{4,200}wrote|\d{4}[年/-].{4,200}(?:写道|寫道|書きました|のメール|작성)"
    r"|في\b.{6,300}\bكتب\b.{2,200}"
    r"|.{2,80}[^\s]@\S{3,200}\bwrote)\s*[:：]\s*",
    re.I,
)
# With the quote right below it, whatever the words are.
_EVERY_LANGUAGE = re.compile(r".{0,200}(?:\d{4}|<\S+@\S+>).{0,200}[:：]\s*")
_DASHES = re.compile(r"(?:--|—|__|––)\s?")
_MOBILE = re.compile(
    r"\s*(?:Sent (?:from|via|with) .{2,60}|Get Outlook for .{2,60}|Von meinem .{2,40} gesendet.{0,20}"
    r"|Gesendet (?:von|mit|über) .{2,60}|Diese Nachricht wurde von meinem .{2,60} gesendet.{0,40}"
    r"|Holen Sie sich Outlook .{2,60}"
    r"|发自(?:我的)?.{2,40}|来自(?:我的)?.{1,20}(?:手机|邮箱|iPhone|iPad).{0,20}|从我的.{2,30}发送|发送自.{2,40}"
    r"|下载适用于.{2,40}Outlook"
    r"|從我的.{2,30}傳送|寄自.{2,30}|Envoyé (?:de|depuis) mon .{2,40}|Enviado (?:desde|do|de) .{2,40}"
    r"|Inviato da(?:l)? .{2,40}"
    r"|Verzonden vanaf mijn .{2,40}|Отправлено с(?:о)? .{2,40}|.{2,20}から送信)\s*",
    re.I,
)
_CLOSING = re.compile(
    r"\s*(?:(?:kind |best |warm |many |with best |with kind )?regards|best wishes|all the best|cheers"
    r"|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)"
    r"|many thanks|thanks(?: and regards)?|(?:mit )?(?:freundlichen?|besten?|herzlichen?|vielen?|liebe[nr]?"
    r"|schöne[nr]?) gr(?:ü|ue)(?:ß|ss)en?(?: .{0,30})?"
    r"|mfg|lg|vg|viele grüße(?: .{0,30})?|hochachtungsvoll|cordialement|bien à vous|saludos(?: cordiales)?|祝好"
    r"|此致|敬礼|敬上|顺颂商祺|谢谢|祝您.{1,12})[\s,.!。，！;]*",
    re.I,
)
_CONTACT = re.compile(
    r"\+?\d[\d\s()/.-]{6,}\d|[\w.+-]{1,64}@[\w-]{1,63}\.\w|https?://|\bwww\.|(?:tel|phone|fon|telefon|mobile?|fax"
    r"|电话|手机|地址|网址|邮箱)\s*[.:：]",
    re.I,
)
_LONGEST_SIGNATURE = 25
_MOST_LINES = 20_000
_MOST_ATTRIBUTIONS = 50


def fold_at(text: str) -> int:
    """The index in `text` where quoted mail or a signature begins that nothing of the sender's own follows; the length
    of the text if there is none, or if all of it would be folded."""
    lines = _lines(text)
    end = _quote(lines)
    end = _signature(lines, end)
    place = sum(len(line) + 1 for line in lines[:end])
    # Where the text was quoted first and answered below, nothing is left to see above the fold.
    return place if end < len(lines) and text[:place].strip() else len(text)


def forward_marker(text: str) -> int | None:
    """The index after a line such as "Forwarded message" that stands in the sender's own text."""
    place = 0
    for line in _lines(text):
        place += len(line) + 1
        if len(line) < 200 and _FORWARD.fullmatch(line):
            return min(place, len(text))
    return None


def header_block(text: str, start: int = 0) -> str | None:
    """What stands behind the first "From:", in any language, of a quoted mail's head after `start`."""
    lines = _lines(text[start:])
    for number in range(len(lines)):
        if (sender := _head_of_mail(lines, number)) is not None:
            return sender
    return None


def _lines(text: str) -> list[str]:
    return text.split("\n", _MOST_LINES)


def _quote(lines: list[str]) -> int:
    """The number of the line at which the quoted mail begins that goes on to the end."""
    attributions = 0
    for number, line in enumerate(lines):
        if len(line) > 1000 or not line.strip():
            continue
        if _SEPARATOR.fullmatch(line) or _FORWARD.fullmatch(line):
            return _with_rule(lines, number)
        if _head_of_mail(lines, number) is not None:
            return _with_rule(lines, number)
        after = _attribution(lines, number) if attributions < _MOST_ATTRIBUTIONS else None
        if after is not None:
            attributions += 1
            if not _own_text_below(lines, after):
                return number
    return _trailing_quote(lines)


def _with_rule(lines: list[str], number: int) -> int:
    """With the line of dashes above it."""
    above = number - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and number - above <= 3 and _RULE.fullmatch(lines[above]) else number


def _head_of_mail(lines: list[str], number: int) -> str | None:
    """The value of "From:" if the line is one and what follows it says at least two of date, recipient and subject."""
    match = _LABELLED.match(lines[number][:1000])
    if match is None or match["from"] is None:
        return None
    kinds: set[str] = set()
    blank = 0
    for line in lines[number + 1 : number + 12]:
        if not line.strip("> \t"):
            blank += 1
            if blank > 2 and len(kinds) == 0:
                break
            continue
        found = _LABELLED.match(line[:1000])
        if found is not None:
            kinds.update(kind for kind in ("date", "to", "subject") if found[kind] is not None)
        elif len(kinds) == 0 and blank:
            break
        if len(kinds) >= 2:
            return match["value"].strip() or ""
    return None


def _attribution(lines: list[str], number: int) -> int | None:
    """The line after "On such a day somebody wrote:", which may take up to four lines."""
    if _EVERY_LANGUAGE.fullmatch(lines[number][:400]):
        below = next((line for line in lines[number + 1 : number + 4] if line.strip()), "")
        if _quoted(below) and not _quoted(lines[number]):
            return number + 1
    if not _MAYBE.match(lines[number][:400]):
        return None
    joined = ""
    for after in range(number, min(number + 4, len(lines))):
        if not lines[after].strip():
            return None
        joined = f"{joined} {lines[after].strip()}".strip()
        if len(joined) > 500:
            return None
        if _ATTRIBUTION.fullmatch(joined) and re.search(r"\d|@", joined):
            return after + 1
    return None


def _quoted(line: str) -> bool:
    return line.lstrip().startswith((">", "|>"))


def _own_text_below(lines: list[str], start: int) -> bool:
    """Whether quoted lines follow, and then others: an answer below the quote, or between its paragraphs."""
    rest = [line for line in lines[start:] if line.strip()]
    if not rest or not _quoted(rest[0]):
        return False
    last = max(number for number, line in enumerate(rest) if _quoted(line))
    own = [line for line in rest if not _quoted(line)]
    below = rest[last + 1 :]
    if below and not (_DASHES.fullmatch(below[0]) or _MOBILE.fullmatch(below[0][:200])):
        return True
    # Lines that wrapped out of the quote are short and few.
    return len(own) - len(below) > max(2, len(rest) // 5)


def _trailing_quote(lines: list[str]) -> int:
    """Quoted lines, and nothing else, at the end."""
    number = len(lines)
    while number > 0 and (_quoted(lines[number - 1]) or not lines[number - 1].strip()):
        number -= 1
    quoted = sum(_quoted(line) for line in lines[number:])
    return number if quoted >= 2 else len(lines)


def _signature(lines: list[str], end: int) -> int:
    """The line at which a signature begins that ends where the quoted mail begins; `end` without one."""
    last = end
    while last > 0 and not lines[last - 1].strip():
        last -= 1
    first = max(1, last - _LONGEST_SIGNATURE)
    for number in range(first, last):
        if _DASHES.fullmatch(lines[number]):
            return number
    for number in range(max(1, last - 4), last):
        if len(lines[number]) < 200 and _MOBILE.fullmatch(lines[number]):
            return number
    for number in range(first, last - 1):
        if len(lines[number]) < 100 and _CLOSING.fullmatch(lines[number]):
            return _contact_block(lines, number, last, end)
    return end


def _contact_block(lines: list[str], closing: int, last: int, end: int) -> int:
    """After the closing words and the name below them: addresses and telephone numbers, if that is what follows."""
    below = [number for number in range(closing + 1, last) if lines[number].strip()]
    if len(below) < 2 or any(len(lines[number]) > 120 for number in below):
        return end
    contacts = sum(bool(_CONTACT.search(lines[number])) for number in below[1:])
    return below[1] if contacts >= 1 and contacts * 4 >= len(below) - 1 else end
