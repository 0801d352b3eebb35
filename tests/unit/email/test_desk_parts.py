"""Parts of the mail desk that need no hub: what is kept of a draft, what can be written in again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from channels.email.drafts import LEVELS, cleaned
from channels.email.reopening import check
from hub.errors import InvalidInput, Refused
from hub.model import Channel, Contact, Phase

json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["C"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(json)
def test_a_draft_is_kept_as_it_is(data: object) -> None:
    assert cleaned(data) == data


def test_a_draft_is_kept_without_what_the_store_cannot_take() -> None:
    assert cleaned({"html": "a\0b", "to": [{"name": "\ud800x"}]}) == {"html": "ab", "to": [{"name": "x"}]}
    deep: object = "x"
    for _ in range(LEVELS + 1):
        deep = [deep]
    with pytest.raises(InvalidInput, match="levels"):
        cleaned(deep)


@pytest.mark.parametrize("phase", Phase)
def test_only_what_is_over_is_written_in_again(phase: Phase) -> None:
    contact = Contact("ct_1", channel=Channel.EMAIL, phase=phase)
    if phase in (Phase.CLOSED, Phase.WRAPPING):
        check(contact)
        with pytest.raises(Refused) as other:
            check(replace(contact, channel=Channel.CHAT))
        assert other.value.code == "mail.reopen"
    else:
        with pytest.raises(Refused) as refused:
            check(contact)
        assert refused.value.code == "contact.open"
