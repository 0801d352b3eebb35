"""What conditions may know of a mail, as it comes and later, and who has the last word about where it goes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.triage import GUESSED, Guess, Incoming, Sorter, decide, facts_of, past_facts
from hub.config_rows import Mailbox, MailRule, read
from hub.directory import Directory
from hub.errors import Unavailable
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import Customer, FileRef, Role, User
from hub.store import SqlStore, open_store
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


class Learned:
    """Has learned one thing, and keeps how often it was asked."""

    def __init__(self, guess: Guess | Unavailable) -> None:
        self.found, self.asked = guess, 0

    async def guess(self, subject: str, text: str) -> Guess | None:
        self.asked += 1
        if isinstance(self.found, Unavailable):
            raise self.found
        return self.found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/hub.db")
    await opened.open()
    for queue in ("support", "sales", "billing"):
        await opened.configs.put("queue", queue, {"name": queue}, version=None, actor="system", at=1)
    yield opened
    await opened.close()


async def directory_of(store: SqlStore, **rules: dict[str, Any]) -> Directory:
    for id, rule in rules.items():
        await store.configs.put("mail_rule", id, {"name": id, **rule}, version=None, actor="system", at=1)
    found = Directory(store)
    await found.load()
    return found


FORM = Incoming(LETTER, "support", BOX, chosen="sales")
ENGLISH = [{"fact": "language", "op": "is", "value": "en"}]


async def test_a_topic_beats_the_classifiers_guess(store: SqlStore) -> None:
    learned = Learned(Guess("billing", 0.97, ("invoice",)))
    sorter = Sorter(await directory_of(store), learned)
    by_form = await sorter(FORM)
    assert (by_form.queue, by_form.guess, by_form.rules, learned.asked) == ("sales", None, (), 0)
    by_mail = await sorter(incoming())
    assert (by_mail.queue, by_mail.guess, by_mail.rules) == ("billing", learned.found, (GUESSED,))


async def test_a_rule_beats_topic_and_guess(store: SqlStore) -> None:
    learned = Learned(Guess("support", 0.97))
    sorter = Sorter(await directory_of(store, money={"when": ENGLISH, "queue": "billing"}), learned)
    for each in (FORM, incoming()):
        found = await sorter(each)
        assert (found.queue, found.guess, found.rules) == ("billing", None, ("mail:money",))
    assert learned.asked == 0


async def test_a_rule_that_names_no_queue_leaves_it_to_topic_and_guess(store: SqlStore) -> None:
    await store.accounts.put_user(User("us_1", "ada", "Ada", Role.AGENT), version=None, actor="system", at=1)
    rules: dict[str, dict[str, Any]] = {
        "hers": {"when": ENGLISH, "owner": "us_1", "tags": ["en"]},
        "lost": {"when": ENGLISH, "queue": "closed-down", "owner": "us_gone", "priority": 5, "order": 50},
    }
    sorter = Sorter(await directory_of(store, **rules), Learned(Guess("billing", 0.9)))
    found = await sorter(FORM)
    assert (found.queue, found.owner, found.tags, found.priority) == ("sales", "us_1", ("en",), 5)
    assert (await sorter(incoming())).queue == "billing"


@pytest.mark.parametrize("guess", [Guess("closed-down", 0.9), Unavailable("The classifier does not answer.")])
async def test_a_guess_that_is_no_use_changes_nothing(store: SqlStore, guess: Guess | Unavailable) -> None:
    found = await Sorter(await directory_of(store), Learned(guess))(incoming())
    assert (found.queue, found.guess, found.rules) == ("support", None, ())
