"""What conditions may know of a mail, as it comes and later."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels.email.triage import Incoming, decide, facts_of, past_facts
from hub.config_rows import Mailbox, MailRule, read
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import Customer, FileRef
from mail.model import Address, Attachment, Mail

BOX = read(Mailbox, {"name": "Support", "address": "support@shop.example", "queue": "support"})
LETTER = Mail(
    subject="Invoice",
    from_=Address("eva@berg.example", "Eva"),
    to=(Address("support+Invoices@shop.example"),),
    cc=(Address("boss@berg.example"),),
    text="Please look.",
    language="en",
    attachments=(
        Attachment(0, "invoice.pdf", "application/pdf", b"%PDF"),
        Attachment(1, "logo.png", "image/png", b"x", "logo", True),
    ),
    headers=(("x-tag", "a"), ("x-tag", "b"), ("subject", "Invoice")),
)


def incoming(mail: Mail = LETTER, **customer: str) -> Incoming:
    return Incoming(mail, "support", BOX, Customer("cu_1", fields=customer), ("support@shop.example",))


def test_of_a_mail_as_it_comes() -> None:
    assert facts_of(incoming(vip="Yes ")) == {
        "mailbox": ("support",),
        "to": ("support+Invoices@shop.example", "support@shop.example", "boss@berg.example"),
        "plus": ("Invoices",),
        "from": ("eva@berg.example",),
        "domain": ("berg.example",),
        "subject": ("Invoice",),
        "text": ("Please look.",),
        "language": ("en",),
        "attachment": ["invoice.pdf", "application/pdf"],
        "kind": ("normal",),
        "vip": ("yes",),
        "header.x-tag": ["a", "b"],
        "header.subject": ["Invoice"],
    }
    assert facts_of(incoming(vip="no"))["vip"] == facts_of(Incoming(LETTER, "support", BOX))["vip"] == ("no",)


def test_the_same_is_known_of_it_later() -> None:
    """But for the envelope, of which nothing is kept."""
    stored = StoredMail(
        "ma_1", "ct_1", "ms_1", "in", "support", MailState.RECEIVED, 1, MailAddress("eva@berg.example", "Eva"),
        to=(MailAddress("support+Invoices@shop.example"),), cc=(MailAddress("boss@berg.example"),), subject="Invoice",
        attachments=(FileRef("fi_1", "invoice.pdf", 4, "application/pdf"),), language="en",
    )  # fmt: skip
    now = facts_of(Incoming(LETTER, "support", BOX, Customer("cu_1", fields={"vip": "1"})))
    headers = {name: values for name, values in now.items() if name.startswith("header.")}
    assert past_facts(stored, "Please look.", Customer("cu_1", fields={"vip": "1"}), headers) == now


words = st.text(max_size=40)
addresses = st.builds(Address, words, words)
mails: st.SearchStrategy[Mail] = st.builds(
    Mail,
    subject=words,
    from_=addresses,
    to=st.lists(addresses, max_size=3).map(tuple),
    text=words,
    language=st.sampled_from(["", "en"]),
    attachments=st.lists(st.builds(Attachment, st.just(0), words, words, st.just(b"")), max_size=2).map(tuple),
    headers=st.lists(st.tuples(words, words), max_size=3).map(tuple),
)


@given(mails, st.sampled_from(["is", "is_not", "starts", "contains", "matches", "regex"]), st.data())
def test_whatever_it_is_the_rules_have_an_answer(mail: Mail, op: str, data: Any) -> None:
    fact = data.draw(st.sampled_from(["to", "plus", "from", "domain", "text", "attachment", "header.X-A"]))
    rule = read(MailRule, {"name": "r", "when": [{"fact": fact, "op": op, "value": "a"}], "queue": "billing"})
    began = time.process_time()
    assert decide({"r": rule}, incoming(mail)).queue in (None, "billing")
    assert time.process_time() - began < 5.0
