"""Quoted mail and signatures of the usual mail programs are folded, and what a person wrote is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.fold import fold_at, header_block

OWN = "Yes, please send it.\n\n"
FOLDED = [
    # Gmail, Apple Mail, Thunderbird, in several languages
    "On Mon, Jan 1, 2024 at 10:00 AM Jane Doe <jane@x.com> wrote:\n\n> Hello\n> World\n",
    "On Mon, Jan 1, 2024 at 10:00 AM A Very Long Name Indeed\n<jane.long.address@example.com> wrote:\n\n> Hello\n",
    "> On 1 Jan 2024, at 10:00, Jane <j@x.com> wrote:\n> \n> Hello\n",
    "Am 01.01.2024 um 10:00 schrieb Max Muster:\n> Hallo\n> Welt\n",
    "Am Mo., 1. Jan. 2024 um 10:00 Uhr schrieb Max Muster <max@muster.de>:\n\n> Hallo\n",
    "Le lun. 1 janv. 2024 à 10:00, Jean <j@x.fr> a écrit :\n\n> Bonjour\n",
    "El lun, 1 ene 2024 a las 10:00, Juan (<j@x.es>) escribió:\n\n> Hola\n",
    "Jane Doe <jane@x.com> 于2024年1月1日周一 10:00写道：\n\n> 您好\n> 再见\n",
    "在 2024年1月1日，10:00，客服 <s@x.cn> 写道：\n\n您好\n",
    "2024年1月1日(月) 10:00 山田 <y@x.jp>:\n\n> こんにちは\n> では\n",
    # NetEase, QQ, Foxmail
    'At 2024-01-01 10:00:00, "support" <s@x.cn> wrote:\n>hello\n>x\n',
    "---- 回复的原邮件 ----\n| 发件人 | 客服 |\n您好\n",
    '------------------ 原始邮件 ------------------\n发件人: "客服" <s@x.cn>;\n'
    "发送时间: 2024年1月1日(星期一) 上午10:00\n"
    '收件人: "张三"<z@qq.com>;\n主题: 订单\n\n您好',
    "------------------&nbsp;Original&nbsp;------------------\nFrom: x\n".replace("&nbsp;", "\xa0"),
    "发件人： s@x.cn\n发送时间： 2024-01-01 10:00\n收件人： z@x.cn\n主题： 订单\n您好",
    # Outlook
    "From: Support <s@x.com>\nSent: Monday, January 1, 2024 10:00 AM\nTo: Jane\nSubject: Re: x\n\nHello",
    "-----Original Message-----\nFrom: Support\nSent: Monday\n\nHello",
    "-----Ursprüngliche Nachricht-----\nVon: Support\n\nHallo",
    "________________________________\nVon: A <a@b.c>\nGesendet: Montag, 1. Januar 2024 10:00\n"
    "An: B\nBetreff: C\n\nHallo",
    "*From:* Support <s@x.com>\n*Date:* Monday\n*To:* me\n*Subject:* x\n\nHello",
    # signatures
    "-- \nJane Doe\nACME\n",
    "--\nJane Doe\n+44 20 1234 5678",
    "Sent from my iPhone",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "发自我的iPhone",
    "Von meinem iPhone gesendet",
    "来自我的华为手机",
]
KEPT = [
    "Just a text.\nRegards\nBob",
    "> all\n> quoted\n",
    "",
    "On Mon, Jan 1, 2024 Jane <j@x> wrote:\n> question 1?\nanswer 1\n> question 2?\nanswer 2\n",
    "From: is a word here\nand nothing else.",
    "On the other hand, he wrote:\nlong letters to everybody.",
    "Am Montag kommt er.\nUnd das schrieb er: nichts.",
    "My steps - in short:\n-- first\n-- second\nand so on.",
    "I was sent from my office to you.\nWhat now?",
    "Please order:\n- a\n- b\n\nThanks",
    "订单号：12345\n日期：今天\n请处理。",
]


@pytest.mark.parametrize("rest", FOLDED)
def test_folded(rest: str) -> None:
    text = OWN + rest
    assert text[: fold_at(text)].strip() == OWN.strip()


@pytest.mark.parametrize("text", KEPT)
def test_kept(text: str) -> None:
    assert fold_at(text) == len(text)


def test_signature_above_a_quote() -> None:
    text = (
        f"{OWN}Mit freundlichen Grüßen\nErika\n\n-- \nMuster GmbH\nTel. +49 30 12345\n\n"
        "Am 1.1.2024 schrieb X <x@y.z>:\n> a\n> b\n"
    )
    assert text[: fold_at(text)].endswith("Erika\n\n")


def test_address_below_a_greeting() -> None:
    text = f"{OWN}Best regards,\nJane Doe\n\nACME Ltd\n1 High Street\nTel: +44 20 1234 5678\nwww.acme.example\n"
    assert text[: fold_at(text)].endswith("Jane Doe\n\n")


def test_an_answer_below_the_quote_is_seen() -> None:
    text = (
        "On 1/1/24 10:00, a very long name that wraps\nover the line <x@y.z> wrote:\n> q1\n> q2\n"
        "\nMy answer.\n\n-- \nme\n"
    )
    assert text[: fold_at(text)].endswith("My answer.\n\n")


def test_header_block() -> None:
    text = 'see below\n\n发件人： "张三" <z@x.cn>\n发送时间： 2024-01-01\n收件人： s@x.cn\n\n您好'
    assert header_block(text) == '"张三" <z@x.cn>'
    assert header_block("From: me\nnothing else") is None


LINES = st.sampled_from([*"\n".join([OWN, *FOLDED, *KEPT]).split("\n"), "> ", ">>> x", " ", "-" * 300, "On " * 200])


@given(st.lists(LINES, max_size=30).map("\n".join))
def test_any_text(text: str) -> None:
    place = fold_at(text)
    assert 0 <= place <= len(text)
    assert not text.strip() or text[:place].strip()
    assert place == len(text) or text[place - 1] == "\n"
