"""How a mail stands for who wrote it."""

import pytest
from msgspec.structs import replace

from channels.email.inquiry import as_reference, standing_of
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import Channel, Contact, Phase

MAIL = StoredMail("ma_1", "ct_1", "ms_1", "in", "support", MailState.RECEIVED, 100, MailAddress("eva@berg.example"))
ANSWER = replace(MAIL, id="ma_2", direction="out", state=MailState.SENT, at=200)
ACKNOWLEDGED = replace(ANSWER, id="ma_3", automatic=True, at=101)


@pytest.mark.parametrize(
    ("phase", "mails", "state", "answered"),
    [
        (Phase.QUEUED, [MAIL], "waiting", None),
        (Phase.OFFERED, [MAIL, ACKNOWLEDGED], "waiting", None),
        (Phase.ACTIVE, [MAIL, ACKNOWLEDGED], "working", None),
        (Phase.ACTIVE, [MAIL, ANSWER], "answered", 200),
        (Phase.CLOSED, [MAIL, ACKNOWLEDGED], "closed", None),
        (Phase.CLOSED, [MAIL, ANSWER], "answered", 200),
        (Phase.QUEUED, [MAIL, ANSWER, replace(MAIL, id="ma_4", at=300)], "waiting", 200),
        (Phase.ACTIVE, [MAIL, ANSWER, replace(MAIL, id="ma_4", at=300)], "working", 200),
        (Phase.CLOSED, [MAIL, ANSWER, replace(MAIL, id="ma_4", at=300)], "closed", 200),
        # What its machine says is no question, and what we took back or could not bring is no answer.
        (Phase.CLOSED, [MAIL, ANSWER, replace(MAIL, id="ma_4", at=300, kind="auto_reply")], "answered", 200),
        (Phase.ACTIVE, [MAIL, replace(ANSWER, state=MailState.CANCELLED)], "working", None),
        (Phase.ACTIVE, [MAIL, replace(ANSWER, state=MailState.BOUNCED)], "working", None),
        (Phase.QUEUED, [], "waiting", None),
    ],
)
def test_standing(phase: Phase, mails: list[StoredMail], state: str, answered: int | None) -> None:
    assert standing_of(Contact("ct_1", channel=Channel.EMAIL, phase=phase), mails) == (state, answered)


@pytest.mark.parametrize("text", ["abcd1234", "ABCD 1234", "abcd-1234", " abcd–1234 "])
def test_references_are_read_as_people_copy_them(text: str) -> None:
    assert as_reference(text) == "ABCD1234"
