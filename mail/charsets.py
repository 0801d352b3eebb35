"""Bytes to text, whatever the mail calls them: labels are often missing, vague or wrong."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

_LABEL = re.compile(r"[a-z0-9_.:-]{1,40}")
_NUMBERED = re.compile(r"(?:windows|cp|win|x-cp|x-windows|ansi|ibm)[-_]?(\d{3,4})(?!\d).*")
# What a label means in practice: the superset that mail programs write under the older name.
_MEANT = {
    **dict.fromkeys(("us-ascii", "ascii", "ansi_x3.4-1968", "x-ascii", "646"), "ascii"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "gb2312-80", "euc-cn", "cp936", "x-gbk", "gb18030"), "gb18030"),
    **dict.fromkeys(("big5", "big-5", "x-x-big5", "cp950", "big5-eten", "cn-big5"), "cp950"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "cp932", "ms_kanji"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ks_c_5601", "ksc5601", "ks_c_5601-1989", "cp949"), "cp949"),
    **dict.fromkeys(("iso-8859-9", "iso8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("tis-620", "iso-8859-11"), "cp874"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "logical", "visual"), "iso8859-8"),
    **dict.fromkeys(("unicode-1-1-utf-7", "x-unicode-2-0-utf-7"), "utf-7"),
    **dict.fromkeys(("utf8mb4", "unicode-1-1-utf-8", "utf-8-sig"), "utf-8"),
    **dict.fromkeys(("macintosh", "x-mac-roman"), "mac-roman"),
    "x-mac-cyrillic": "mac-cyrillic",
    "hz-gb-2312": "hz",
}
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_ISO_2022 = re.compile(rb"\x1b(?:\$[@AB]|\$\([A-DOPQ]|\([IJ]|\$\)C)")
# Their bytes are ASCII and mean other characters.
_SEVEN_BIT = frozenset({"utf-7", "hz", "iso2022_kr"})
_WIDE = ("utf-16", "utf-32")
_LATIN = frozenset({"cp1252", "iso8859-15", "latin_1"})
_EAST_ASIAN = ("gb18030", "cp950", "cp932", "euc_jp", "cp949")
_SINGLE_BYTE = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"]
_SAMPLE = 64 * 1024
_ASCII = bytes(range(128))
_NO_LETTERS = bytes(byte for byte in _ASCII if not chr(byte).isalpha())

# Characters that real text is full of, and that text in another charset turns into only by accident.
_FREQUENT = {
    "gb18030": frozenset(
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家"
        "种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民"
        "第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应向头文体政美相见被利什二等产或新己制身果加西斯月话合"
        "回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总"
        "何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听"
        "白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带"
        "您请谢订单货款退换票邮箱付账户购买价送收件客服登录密码号欢迎贵网址查询复附"
    ),
    "cp950": frozenset(
        "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家"
        "種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日者意無力它與長把機"
        "公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應向頭文體相見被利什二等產或新己制身果加月話合回特"
        "代內信表化給位次度門任常先通教原東提立及比員解名真論處各入幾口認條平系題活更別打變四總何電數安少報才結受目太量再"
        "您請謝訂單貨款退換票郵箱付帳戶購買價送收件客服登錄密碼號歡迎貴網址查詢復覆附"
    ),
    "cp949": frozenset("이다는을의에가하고지도로를은기사한리어인나서그아있대니자시해수것안녕세요문주입습감합상품"),
}


def codec_of(label: str) -> str | None:
    """Python's name of the codec that mail under this label is in; None for a label that says nothing."""
    return _codec_of(label.strip().strip("\"'").lower()) if label else None


@lru_cache(512)
def _codec_of(label: str) -> str | None:
    if not _LABEL.fullmatch(label):
        return None
    numbered = _NUMBERED.fullmatch(label)
    name = _MEANT.get(label) or (f"cp{numbered[1]}" if numbered else label)
    name = _MEANT.get(name, name)
    try:
        # Lookup alone would also find what is no charset: rot13, zip, the codecs of domain names.
        found = codecs.lookup(name).name
        b"".decode(found)
    except (LookupError, ValueError, TypeError, OSError):
        return None
    return None if found.replace("_", "-") in _NO_CHARSETS else found


def decode(data: bytes, label: str = "", hint: str = "") -> tuple[str, bool]:
    """The text, and whether it needed no guess. `hint` is the label of another part, for what has none of its own."""
    if not data:
        return "", True
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    codec = codec_of(label)
    if codec is not None and codec.startswith(_WIDE):
        return _strict(data, codec, codec) or _guess(data, hint)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and (wide := _strict(data, "utf-16", "utf-16")):
        return wide
    if data.isascii():
        if _ISO_2022.search(data):
            return _iso_2022(data), codec is not None and codec.startswith("iso2022")
        if codec in _SEVEN_BIT:
            return _strict(data, codec, codec) or (data.decode("ascii"), False)
        return data.decode("ascii"), True
    if codec is None or codec == "ascii" or codec in _SEVEN_BIT or codec.startswith("iso2022"):
        return _guess(data, hint)
    return _labelled(data, codec, hint)


def _labelled(data: bytes, codec: str, hint: str) -> tuple[str, bool]:
    utf_8 = _strict(data, "utf-8", codec)
    if utf_8 is not None and (codec not in _EAST_ASIAN or _three_byte(data)):
        return utf_8
    if codec == "utf-8":
        text = data.decode("utf-8", "replace")
        bad = text.count("\ufffd")
        good = sum(character > "\x7f" for character in text) - bad
        # A character or two that were cut, or another charset altogether.
        return (text, False) if bad <= 2 < good or bad * 20 < good else _guess(data, hint)
    found = _strict(data, codec, codec)
    if codec in _EAST_ASIAN:
        if found is not None and _plausible(data, codec) >= 0.6:
            return found
        guess = _east_asian(data)
        if guess is not None and guess != codec:
            return data.decode(guess), False
        return found or (data.decode(codec, "replace"), False)
    if found is None:
        return _guess(data, hint)
    if codec in _LATIN and (share := _share_of_high(data)) > 0.35:
        # No language of Western Europe looks like that, but a short word may.
        if (east_asian := _east_asian(data)) is not None:
            return data.decode(east_asian), False
        if share > 0.6 and _many_high(data):
            return _guess(data, hint)
    return found


def _strict(data: bytes, codec: str, named: str) -> tuple[str, bool] | None:
    try:
        return data.decode(codec), codec == named
    except (UnicodeError, ValueError):
        return None


def _three_byte(data: bytes) -> bool:
    """Characters of three bytes: in UTF-8 the usual for Chinese; what another charset hardly looks like."""
    return re.search(rb"[\xe0-\xef][\x80-\xbf]{2}", data) is not None


def _share_of_high(data: bytes) -> float:
    """How many of the letters are outside ASCII: in the languages of Western Europe hardly every tenth."""
    high, both = _high(data), len(data[:_SAMPLE].translate(None, _NO_LETTERS))
    return high / (both or 1)


def _many_high(data: bytes) -> bool:
    return _high(data) >= 4


def _high(data: bytes) -> int:
    return len(data[:_SAMPLE].translate(None, _ASCII))


def _guess(data: bytes, hint: str) -> tuple[str, bool]:
    if (utf_8 := _strict(data, "utf-8", "")) is not None:
        return utf_8
    codec = codec_of(hint)
    if codec in _EAST_ASIAN and (found := _strict(data, codec, "")) is not None and _plausible(data, codec) >= 0.5:
        return found
    if (east_asian := _east_asian(data)) is not None:
        return data.decode(east_asian), False
    if codec not in (None, "utf-8", *_EAST_ASIAN, *_LATIN) and (found := _strict(data, codec or "", "")) is not None:
        return found
    share = _share_of_high(data)
    if (share > 0.35 and _many_high(data)) or (share > 0.05 and len(data) > 200):
        isolation = _SINGLE_BYTE if share <= 0.35 else _SINGLE_BYTE[2:]
        best = from_bytes(data[:_SAMPLE], cp_isolation=isolation, enable_fallback=False).best()
        if best is not None and (found := _strict(data, best.encoding, "")) is not None:
            return found
    return _strict(data, "cp1252", "") or (data.decode("latin-1"), False)


def _east_asian(data: bytes) -> str | None:
    """Which of the charsets of China, Japan and Korea, by what its characters would be; None if it is none."""
    if _share_of_high(data) < 0.1:
        return None
    scores = {codec: _plausible(data, codec) for codec in _EAST_ASIAN}
    best = max(scores, key=lambda codec: scores[codec])
    return best if scores[best] > 0.72 and _strict(data, best, "") is not None else None


def _plausible(data: bytes, codec: str) -> float:
    """From 0 to 1: how much the text looks like one that somebody wrote.

    Each of these charsets has its everyday characters in one range, and decoding the bytes of another lands outside.
    """
    sample = data[:8192]
    try:
        text = codecs.getincrementaldecoder(codec)().decode(sample, len(sample) == len(data))
    except (UnicodeError, ValueError):
        return 0.0
    wide = [character for character in text if character > "\x7f"]
    if not wide:
        return 0.0
    everyday = sum(_everyday(character, codec) for character in wide) / len(wide)
    if codec in ("cp932", "euc_jp"):
        kana = sum("\u3041" <= character <= "\u30fe" for character in wide) / len(wide)
        return everyday * 0.7 + 0.3 * min(1.0, kana * 4)
    frequent = sum(character in _FREQUENT[codec] for character in wide) / len(wide)
    return everyday * 0.7 + 0.3 * min(1.0, frequent * 5)


def _everyday(character: str, codec: str) -> bool:
    if "\u3001" <= character <= "\u301f" or "\uff01" <= character <= "\uff5e" or character in "“”‘’—…·":
        return True
    try:
        row, *cell = character.encode("euc_kr" if codec == "cp949" else codec)
    except UnicodeError:
        return False
    if not cell:
        return False
    match codec:
        case "gb18030":
            return 0xB0 <= row <= 0xD7 and cell[0] >= 0xA1 and len(cell) == 1
        case "cp950":
            return 0xA4 <= row <= 0xC6
        case "cp949":
            return 0xB0 <= row <= 0xC8
        case "cp932":
            return 0x82 <= row <= 0x83 or 0x88 <= row <= 0x97
    return 0xA4 <= row <= 0xA5 or 0xB0 <= row <= 0xCF


def _iso_2022(data: bytes) -> str:
    """ISO-2022-JP and its like; what Python's codecs refuse (the extensions of NEC and IBM) goes by way of CP932."""
    for codec in ("iso2022_jp_ext", "iso2022_jp_2", "iso2022_kr"):
        if (found := _strict(data, codec, "")) is not None:
            return found[0]
    text = []
    wide = kana = False
    for piece in re.split(rb"(\x1b(?:\$\(?[@-DOPQ]|\([A-Z]|\$\)[A-Z]))", data):
        if piece.startswith(b"\x1b"):
            wide, kana = piece[1:2] == b"$", piece == b"\x1b(I"
        elif wide:
            text.append(_jis(piece))
        else:
            text.append(bytes(byte | 0x80 if kana else byte for byte in piece).decode("cp932", "replace"))
    return "".join(text)


def _jis(data: bytes) -> str:
    """Rows and cells of JIS X 0208, moved to where Shift_JIS has them."""
    moved = bytearray()
    position = 0
    while position < len(data):
        row, cell = data[position], data[position + 1] if position + 1 < len(data) else 0
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            moved.append(row)  # a line end, between the lines of who did not switch back
            position += 1
            continue
        moved.append((row + 1 >> 1) + (0x70 if row <= 0x5E else 0xB0))
        moved.append(cell + 0x7E if row % 2 == 0 else cell + 0x1F + (cell >= 0x60))
        position += 2
    return moved.decode("cp932", "replace")


_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]+")


def clean(text: str) -> str:
    """Text without controls, its lines ended by a line feed."""
    if "\r" in text:
        text = re.sub(r"\r+\n|\r", "\n", text)
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def line(text: str, longest: int) -> str:
    """One line: no controls, nothing that turns the direction of writing or cannot be seen; spaces are single."""
    return " ".join(_SURROGATES.sub("\ufffd", _HIDDEN.sub(" ", text[: longest * 4])).split())[:longest]
