"""Text comes out right under a right label, a wrong one, and none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.charsets import clean, codec_of, decode, line

TEXTS = [
    ("gb18030", "您好，我的订单还没有收到，请帮忙查询一下。谢谢"),
    ("gb18030", "订单问题"),
    ("gb18030", "关于发票的问题 order 12345"),
    ("big5", "您好，我的訂單還沒有收到，請幫忙查詢一下。"),
    ("big5", "訂單問題"),
    ("shift_jis", "注文した商品がまだ届いていません。"),
    ("euc-jp", "注文した商品がまだ届いていません。"),
    ("euc-kr", "안녕하세요 주문한 상품이 아직 도착하지 않았습니다."),
    ("windows-1251", "Здравствуйте, где мой заказ? Я жду уже две недели."),
    ("iso-8859-7", "Καλημέρα, πού είναι η παραγγελία μου;"),
    ("windows-1252", "Größe und Maße für die Tür, “bitte” – danke"),
    ("utf-8", "Grüße aus 北京, привет"),
]


@pytest.mark.parametrize("label", ["as it is", "us-ascii", "utf-8", "x-unknown", ""])
@pytest.mark.parametrize(("charset", "text"), TEXTS)
def test_wrong_labels(charset: str, text: str, label: str) -> None:
    decoded, sure = decode(text.encode(charset), charset if label == "as it is" else label)
    assert decoded == text
    # What was guessed is said to be.
    assert sure == (label == "as it is" or (label == "utf-8" and charset == "utf-8"))


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("Müller".encode(), "iso-8859-1", "Müller"),  # the commonest of all
        ("订单问题，请问".encode(), "gb2312", "订单问题，请问"),
        ("訂單問題，請問".encode("big5"), "gb2312", "訂單問題，請問"),
        ("您好，请问".encode("gb18030"), "big5", "您好，请问"),
        ("龍門客棧㐀𠀀".encode("gb18030"), "gb2312", "龍門客棧㐀𠀀"),  # beyond GB 2312
        ("日本語①".encode("cp932"), "shift_jis", "日本語①"),
        (b"\x1b$BF|K\\\x1b(B ok", "iso-2022-jp", "日本 ok"),
        (b"\x1b$B-!\x1b(B", "iso-2022-jp", "①"),  # an extension that Python's codec has not
        (b"\x1b$BF|K\\\x1b(B", "us-ascii", "日本"),
        (b"\x1b(I1\x1b(B", "iso-2022-jp", "ｱ"),
        (b"~{<:Ky2;~}", "hz-gb-2312", "己所不"),
        (b"Hi +ZeVnLIqe-", "utf-7", "Hi 日本語"),
        ("wide".encode("utf-16"), "", "wide"),
        ("wide".encode("utf-16-be"), "utf-16be", "wide"),
        (b"\xef\xbb\xbfmarked", "", "marked"),
        (b"caf\xe9", "Windows-1252http-equivContent-Type", "café"),
        (b"caf\xe9 au lait", "utf-8", "café au lait"),
        (b"Gr\xfc\xdfe", "iso-8859-1", "Grüße"),
        (b"\xfc\xf6", "iso-8859-1", "üö"),
        ("cut in a character 您好您好您好".encode()[:-1], "utf-8", "cut in a character 您好您好您\ufffd"),
        (b"plain", "rot13", "plain"),
        (b"plain", "zip", "plain"),
        (b"xn--a", "punycode", "xn--a"),
        (b"plain", "../../etc", "plain"),
    ],
)
def test_decodes(data: bytes, label: str, text: str) -> None:
    assert decode(data, label)[0] == text


def test_a_hint_helps_what_is_short() -> None:
    assert decode("张".encode("gb18030"), "", "gb2312")[0] == "张"
    assert decode("Łódź".encode("iso-8859-2"), "", "iso-8859-2")[0] == "Łódź"


@pytest.mark.parametrize("label", ["gb2312", "GBK", " GB18030 ", "x-gbk", "cp936", '"gb2312"'])
def test_labels_of_one_charset(label: str) -> None:
    assert codec_of(label) == "gb18030"


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "utf-8", "gb2312", "big5", "iso-2022-jp", "utf-7", "hz", "utf-16", "x"]),
)
def test_any_bytes(data: bytes, label: str) -> None:
    text, _ = decode(data, label, label)
    clean(text).encode()
    assert "\n" not in line(text, 100)


def test_clean() -> None:
    assert clean("a\r\nb\rc\r\r\nd\0\x07\x9b\ud800") == "a\nb\nc\nd\ufffd"
    assert line(" a\r\nBcc: \u202ex\u200b\0 ", 100) == "a Bcc: x"
