"""Every question that mail puts to the store, and those about many callbacks, are answered by way of an index."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hub.callbacks.records import CallbackFilter
from hub.mails import FolderProgress, MailAddress, MailState, StoredMail
from hub.ports import Store
from hub.store import open_store

MAIL = StoredMail("ma_1", "ct_1", "ms_1", "out", "support", MailState.SENT, 1, MailAddress("a@x"))
Ask = Callable[[Store], Awaitable[object]]
ASKED: dict[str, Ask] = {
    "is it known": lambda store: store.mails.by_hash("hash"),
    "whose Message-IDs are these": lambda store: store.mails.by_message_ids(["a@x", "b@x"]),
    "what is like it": lambda store: store.mails.alike("anna@x", "order", 1),
    "who wrote": lambda store: store.people.by_identity("email", "anna@x"),
    "a mail": lambda store: store.mails.get("ma_1"),
    "a contact": lambda store: store.contacts.get("ct_1"),
    "a message": lambda store: store.contacts.message("ms_1"),
    "a contact's mails": lambda store: store.mails.of_contact("ct_1"),
    "a contact's messages": lambda store: store.contacts.messages("ct_1"),
    "was this done": lambda store: store.log.find("ct_1", "mail", "mail:hash"),
    "what is due": lambda store: store.mails.due(10),
    "when is something due": lambda store: store.mails.next_due(),
    "how does the outbox do": lambda store: store.mails.outbox(10),
    "what was sent": lambda store: store.mails.sent(),
    "what was sent before": lambda store: store.mails.sent(after="ma_1"),
    "what did he get today": lambda store: store.mails.counted("anna@x", 1, automatic=True),
    "a mail's state": lambda store: store.mails.update(MAIL),
    "how far a mailbox was read": lambda store: store.mails.progress("support"),
    "it was read further": lambda store: store.mails.set_progress(FolderProgress("support", "INBOX", 1)),
    "his drafts": lambda store: store.mails.drafts("us_1"),
    "a draft": lambda store: store.mails.draft("dr_1"),
    "a draft goes": lambda store: store.mails.delete_draft("dr_1"),
    "whom to remind": lambda store: store.mails.reminders(10),
    "an agent's callbacks": lambda store: store.callbacks.page(CallbackFilter(agent="us_1")),
    "an agent's callbacks before": lambda store: store.callbacks.page(CallbackFilter(agent="us_1"), after="cb_1"),
    "what is on the line": lambda store: store.callbacks.under_way(),
    "nobody is reminded": lambda store: store.mails.forget_reminder("ct_1"),
}
ONE_ROW = ("SCAN log_head", "SCAN CONSTANT ROW")
# So many that they are not sorted for each page.
IN_ORDER = ("what was sent", "what was sent before", "an agent's callbacks", "an agent's callbacks before")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'hub.db'}")
    await made.open()
    yield made
    await made.close()


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile, with the values."""
    found: list[tuple[str, Any]] = []

    def asked(connection: object, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", asked)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", asked)


async def test_an_index_answers_every_question(store: Store, tmp_path: Path) -> None:
    slow: dict[str, list[str]] = {}
    with closing(sqlite3.connect(tmp_path / "hub.db")) as database:
        for question, ask in ASKED.items():
            with statements() as found:
                await ask(store)
            assert found, question
            for statement, parameters in found:
                steps = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                looked = [step for step in steps if step.startswith("SCAN") and step not in ONE_ROW]
                if any(" USING " not in step for step in looked):
                    slow[question] = [statement, *steps]
                if question in IN_ORDER and any("TEMP B-TREE" in step for step in steps):
                    slow[question] = [statement, *steps]
    assert slow == {}
