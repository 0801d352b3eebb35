"""Automatic mail, delivery reports, complaints and lists are told from what people write."""

import pytest

from mail.model import Address, Bounced, MailKind
from mail.parse import parse
from tests.unit.mail.letters import mail, multipart, part

ORIGINAL = b"From: support@demo.test\r\nMessage-ID: <token@demo.test>\r\nSubject: Re: order\r\n\r\nhello"


def report(status: bytes, returned_type: str = "message/rfc822") -> bytes:
    return multipart(
        part(b"Your mail could not be delivered."),
        part(status, "message/delivery-status"),
        part(ORIGINAL, returned_type),
        kind="report; report-type=delivery-status",
        From="MAILER-DAEMON@mx.example",
        Subject="Undelivered Mail Returned to Sender",
    )


@pytest.mark.parametrize("returned_type", ["message/rfc822", "text/rfc822-headers"])
def test_bounce(returned_type: str) -> None:
    found = parse(
        report(
            b"Reporting-MTA: dns; mx.example\r\n\r\n"
            b"Final-Recipient: rfc822; Jane@Example.com\r\nAction: failed\r\nStatus: 5.1.1 (bad mailbox)\r\n"
            b"Diagnostic-Code: smtp; 550 5.1.1 no such\r\n user\r\n\r\n"
            b"Original-Recipient: rfc822;bob@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
            b"Final-Recipient: rfc822;<eve@example.com>\r\nAction: relayed\r\nStatus: 2.0.0\r\n",
            returned_type,
        )
    )
    assert found.kind is MailKind.BOUNCE
    assert found.bounced == (
        Bounced("Jane@example.com", "failed", "5.1.1", "550 5.1.1 no such user", "token@demo.test"),
        Bounced("bob@example.com", "delayed", "4.4.1", "", "token@demo.test"),
        Bounced("eve@example.com", "delivered", "2.0.0", "", "token@demo.test"),
    )
    assert found.text == "Your mail could not be delivered."
    assert found.fold_at == len(found.text)


def test_bounces_without_a_report() -> None:
    exim = parse(
        mail(
            b"A message that you sent could not be delivered: 550 5.7.1 rejected",
            From="Mail Delivery System <Mailer-Daemon@mx.example>",
            Subject="Mail delivery failed: returning message to sender",
            X_Failed_Recipients="jane@example.com, bob@example.com",
        )
    )
    assert exim.kind is MailKind.BOUNCE
    assert [(each.recipient, each.status) for each in exim.bounced] == [
        ("jane@example.com", "5.7.1"),
        ("bob@example.com", "5.7.1"),
    ]
    qmail = parse(
        mail(
            b"Hi. This is the qmail-send program at x.example.\n\n<jane@example.com>:\nSorry, no mailbox. (#5.1.1)\n",
            From="MAILER-DAEMON@x.example",
            Subject="failure notice",
        )
    )
    assert qmail.kind is MailKind.BOUNCE
    assert qmail.bounced == (Bounced("jane@example.com", "failed", "5.1.1"),)
    chinese = parse(mail("退信".encode(), From="postmaster@qq.com", Subject="系统退信"))
    assert chinese.kind is MailKind.BOUNCE


def test_complaint() -> None:
    found = parse(
        multipart(
            part(b"This is an abuse report."),
            part(
                b"Feedback-Type: abuse\r\nUser-Agent: X/1\r\nVersion: 1\r\nOriginal-Rcpt-To: <jane@example.com>\r\n",
                "message/feedback-report",
            ),
            part(ORIGINAL, "message/rfc822"),
            kind="report; report-type=feedback-report",
        )
    )
    assert found.kind is MailKind.FEEDBACK
    assert found.bounced == (Bounced("jane@example.com", "complained", "", "abuse", "token@demo.test"),)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ({}, MailKind.NORMAL),
        ({"Auto_Submitted": "no"}, MailKind.NORMAL),
        ({"Auto_Submitted": "auto-replied; owner-email=x"}, MailKind.AUTO_REPLY),
        ({"Auto_Submitted": "AUTO-GENERATED (x)"}, MailKind.AUTO_REPLY),
        ({"X_Auto_Response_Suppress": "DR, OOF, AutoReply"}, MailKind.AUTO_REPLY),
        ({"X_Autoreply": "yes"}, MailKind.AUTO_REPLY),
        ({"Precedence": "auto_reply"}, MailKind.AUTO_REPLY),
        ({"Subject": "Automatic reply: order"}, MailKind.AUTO_REPLY),
        ({"Subject": "Abwesenheitsnotiz: Bestellung"}, MailKind.AUTO_REPLY),
        ({"Subject": "自动回复：订单"}, MailKind.AUTO_REPLY),
        ({"Subject": "Out of Office until Monday"}, MailKind.AUTO_REPLY),
        ({"Subject": "Automatic doors do not open"}, MailKind.NORMAL),
        ({"Return_Path": "<>"}, MailKind.AUTO_REPLY),
        ({"From": "postmaster@example.com"}, MailKind.AUTO_REPLY),
        ({"Precedence": "bulk"}, MailKind.LIST),
        ({"List_Id": "news <news.example.com>"}, MailKind.LIST),
        ({"List_Unsubscribe": "<https://x.example/u>"}, MailKind.LIST),
        ({"Subject": "Undelivered Mail Returned to Sender", "From": "jane@example.com"}, MailKind.NORMAL),
    ],
)
def test_kinds(head: dict[str, str], kind: MailKind) -> None:
    assert parse(mail(b"hello", type="text/plain", **head)).kind is kind


def test_receipt() -> None:
    receipt = multipart(
        part(b"Your mail was displayed."),
        part(
            b"Final-Recipient: rfc822;a@b.c\r\nDisposition: manual-action/x; displayed",
            "message/disposition-notification",
        ),
        kind="report; report-type=disposition-notification",
    )
    assert parse(receipt).kind is MailKind.AUTO_REPLY


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (
            "Fwd: order",
            "see below\n\n---------- Forwarded message ---------\nFrom: Jane Doe <jane@x.com>\n"
            "Date: Mon\nSubject: order\nTo: <s@x.y>\n\nhello",
        ),
        (
            "WG: Bestellung",
            "\n\nVon: Jane Doe <jane@x.com>\nGesendet: Montag\nAn: Verkauf\nBetreff: Bestellung\n\nHallo",
        ),
        ("FW: order", "From: Jane Doe [mailto:jane@x.com]\nSent: Monday\nTo: x\nSubject: order\n\nhello"),
        (
            "order",
            "fyi\n\nBegin forwarded message:\n\nFrom: Jane Doe <jane@x.com>\nSubject: order\n"
            "Date: 1 Jan\nTo: x\n\nhello",
        ),
        (
            "转发：订单",
            "您好\n\n------------------ 原始邮件 ------------------\n"
            '发件人: "Jane Doe" <jane@x.com>;\n发送时间: 2024年\n收件人: x\n主题: 订单\n\n您好',
        ),
        (
            "转发: 订单",
            "-------- 转发邮件信息 --------\n发件人：Jane Doe <jane@x.com>\n发送日期：2024-01-01\n"
            "收件人：x\n主题：订单\n\n您好",
        ),
    ],
)
def test_forwarded(subject: str, text: str) -> None:
    found = parse(mail(text.encode(), Subject=f"=?utf-8?q?{''.join(f'={byte:02X}' for byte in subject.encode())}?="))
    assert found.subject == subject
    assert found.forwarded_from == Address("jane@x.com", "Jane Doe")
    # What is passed on is what the mail is about.
    assert found.fold_at == len(found.text)


def test_forwarded_as_a_file() -> None:
    found = parse(multipart(part(b"see there"), part(ORIGINAL, "message/rfc822"), Subject="[Fwd: Re: order]"))
    assert found.forwarded_from == Address("support@demo.test")
    assert [(each.name, each.type) for each in found.attachments] == [("Re_ order.eml", "message/rfc822")]
    assert parse(multipart(part(b"see there"), part(ORIGINAL, "message/rfc822"))).forwarded_from is None


def test_a_reply_is_not_forwarded() -> None:
    found = parse(
        mail(b"yes\n\nFrom: Jane <jane@x.com>\nSent: Monday\nTo: x\nSubject: order\n\nhello", Subject="RE: order")
    )
    assert found.forwarded_from is None
    assert found.text[: found.fold_at].strip() == "yes"
